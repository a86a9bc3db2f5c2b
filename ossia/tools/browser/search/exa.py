"""Exa. Written to its documented interface, and not yet run against the service."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ossia.tools.browser.fetch.protocol import Document, FetchError
from ossia.tools.browser.search import _json
from ossia.tools.browser.search._client import ApiClient
from ossia.tools.browser.search._keys import key
from ossia.tools.browser.search.errors import SearchError
from ossia.tools.browser.search.protocol import Hit
from ossia.types import JsonValue


@dataclass(frozen=True, slots=True)
class Exa:
    """api.exa.ai, with the key of `$EXA_API_KEY`.

    Written to the shapes that Exa documents (POST /search and /contents, 2026-11); no one has run it against the
    service yet.
    """

    api_key: str | None = field(default=None, repr=False)
    """None: `$EXA_API_KEY`."""
    pages: bool = False
    """Take pages from Exa's store too, as the reference tool does, instead of fetching them."""
    endpoint: str = "https://api.exa.ai"

    @property
    def name(self) -> str:
        return "exa"

    def check(self) -> None:
        self._headers()

    async def search(self, query: str, count: int, client: ApiClient) -> list[Hit]:
        """Results with Exa's highlights as snippets."""
        body: dict[str, JsonValue] = {
            "query": query,
            "numResults": count,
            "type": "auto",
            "contents": {"highlights": True, "summary": True},
        }
        answer = await client.post(f"{self.endpoint}/search", body, self._headers())
        hits = [item for item in _json.items(answer, "results") if _json.text(item, "url")]
        return [
            Hit(_json.text(item, "title"), _json.text(item, "url"), _json.text(item, "summary", "highlights"))
            for item in hits
        ][:count]

    async def fetch(self, url: str, client: ApiClient) -> Document | None:
        """The page from Exa's store, where `pages` says so. Raises `FetchError`."""
        if not self.pages:
            return None
        body: dict[str, JsonValue] = {"urls": [url], "text": {"includeHtmlTags": True}}
        try:
            answer = await client.post(f"{self.endpoint}/contents", body, self._headers())
        except SearchError as error:
            raise FetchError(f"exa: {error}") from error
        found = _json.items(answer, "results")
        if not found:
            raise FetchError(f"exa: {_status(_json.items(answer, 'statuses'))}")
        html = _json.text(found[0], "text")
        title = _json.text(found[0], "title") or None
        return Document(url, html.encode(), "text/html", "utf-8", via=self.name, title=title)

    def _headers(self) -> dict[str, str]:
        return {"x-api-key": key("Exa", self.api_key, "EXA_API_KEY")}


def _status(statuses: list[Mapping[str, JsonValue]]) -> str:
    """Why there is no page, as far as Exa says."""
    for status in statuses:
        error = status.get("error")
        if isinstance(error, Mapping):
            return f"{_json.text(error, 'tag') or 'failed'} (HTTP {error.get('httpStatusCode')})"
    return "no contents for this address"
