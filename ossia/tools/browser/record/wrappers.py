"""Providers and fetchers whose answers are recorded, or played from a recording."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from ossia.tools.browser.fetch.protocol import Document, Fetcher, FetchError
from ossia.tools.browser.record.store import Answer, Kind, Store
from ossia.tools.browser.search import ApiClient, Failure, Hit, SearchError, SearchProvider
from ossia.types import JsonValue

Mode = Literal["cache", "record", "replay"]

_MISSING = "it is not in the recording"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A provider whose answers are kept in a store."""

    provider: SearchProvider
    store: Store
    mode: Mode

    @property
    def name(self) -> str:
        return self.provider.name

    def check(self) -> None:
        if self.mode != "replay":  # a replay needs no keys
            self.provider.check()

    async def search(self, query: str, count: int, client: ApiClient) -> list[Hit]:
        """The recorded answer, or the provider's. Raises `SearchError`, recorded ones too."""
        key = f"{self.name} {count} {' '.join(query.split())}"
        known = await self.store.get("search", key) if self.mode != "record" else None
        if known is not None and (self.mode == "replay" or "error" not in known.value):
            return _hits(known.value)
        if self.mode == "replay":
            raise SearchError(_MISSING, "unavailable")
        try:
            hits = await self.provider.search(query, count, client)
        except SearchError as error:
            await self.store.put("search", key, Answer({"error": str(error), "failure": error.failure}))
            raise
        fields: list[JsonValue] = [[hit.title, hit.url, hit.snippet, hit.offset] for hit in hits]
        await self.store.put("search", key, Answer({"hits": fields}))
        return hits

    async def fetch(self, url: str, client: ApiClient) -> Document | None:
        """The page that the provider has itself, recorded or its own. Raises `FetchError`."""
        return await _document(
            self.store, self.mode, "fetch", f"{self.name} {url}", lambda: self.provider.fetch(url, client)
        )


@dataclass(frozen=True, slots=True)
class RecordedFetcher:
    """A fetcher whose documents are kept in a store; None in a replay, which never reaches out."""

    fetcher: Fetcher | None
    store: Store
    mode: Mode

    async def fetch(self, url: str) -> Document:
        """The recorded document, or the fetcher's. Raises `FetchError`, recorded ones too."""
        document = await _document(self.store, self.mode, "fetch", url, lambda: self._live().fetch(url))
        if document is None:
            raise FetchError(_MISSING)
        return document

    async def render(self, url: str) -> Document | None:
        """The recorded document after its scripts have run, or the fetcher's; None: there is none.

        Raises `FetchError`.
        """
        return await _document(self.store, self.mode, "render", url, lambda: self._live().render(url))

    def _live(self) -> Fetcher:
        if self.fetcher is None:
            raise FetchError(_MISSING)
        return self.fetcher


async def _document(
    store: Store, mode: Mode, kind: Kind, key: str, live: Callable[[], Awaitable[Document | None]]
) -> Document | None:
    """The document of the recording, or a live one, which is kept. None: whoever was asked has none."""
    known = await store.get(kind, key) if mode != "record" else None
    if known is not None and (mode == "replay" or "error" not in known.value):
        return _restored(known)
    if mode == "replay":
        return None
    try:
        document = await live()
    except FetchError as error:
        await store.put(kind, key, Answer({"error": str(error)}))
        raise
    if document is not None:
        await store.put(kind, key, _kept(document))
    return document


def _kept(document: Document) -> Answer:
    fields: dict[str, JsonValue] = {
        "url": document.url,
        "media_type": document.media_type,
        "charset": document.charset,
        "status": document.status,
        "via": document.via,
        "note": document.note,
        "title": document.title,
    }
    return Answer(fields, document.body)


def _restored(answer: Answer) -> Document:
    value = answer.value
    if "error" in value:
        raise FetchError(str(value["error"]))
    return Document(
        url=str(value["url"]),
        body=answer.body,
        media_type=str(value["media_type"]),
        charset=_optional(value["charset"]),
        status=int(str(value["status"])),
        via=str(value["via"]),
        note=_optional(value["note"]),
        title=_optional(value["title"]),
    )


def _optional(value: JsonValue) -> str | None:
    return None if value is None else str(value)


def _hits(value: Mapping[str, JsonValue]) -> list[Hit]:
    if "error" in value:
        raise SearchError(str(value["error"]), cast(Failure, value["failure"]))
    rows = cast(list[tuple[str, str, str, int | None]], value["hits"])
    return [Hit(title, url, snippet, offset) for title, url, snippet, offset in rows]
