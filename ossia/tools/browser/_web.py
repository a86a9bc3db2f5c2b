"""What one session reaches: it searches with the providers, and turns addresses into pages."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from ossia.tools.browser._page import Link, Page
from ossia.tools.browser.corpus import Corpus
from ossia.tools.browser.egress import EgressPolicy
from ossia.tools.browser.fetch.protocol import Document, Fetcher, FetchError
from ossia.tools.browser.pages import ConversionError, Converted, Converter
from ossia.tools.browser.pages._links import domain, resolve
from ossia.tools.browser.pages._writer import clean, drop_controls
from ossia.tools.browser.search._client import ApiClient
from ossia.tools.browser.search.errors import SearchError
from ossia.tools.browser.search.protocol import Hit, SearchProvider

_LONG_TEXT = 100_000
VIEW_SOURCE = "view-source:"


class Web:
    """The reach of one session."""

    def __init__(
        self,
        providers: Sequence[SearchProvider],
        client: ApiClient,
        converter: Converter,
        fetcher: Fetcher | None,
        policy: EgressPolicy,
    ) -> None:
        self._providers = providers
        self._client = client
        self._converter = converter
        self._fetcher = fetcher
        self._policy = policy

    async def search(self, query: str, count: int, source: str | None) -> tuple[str, list[Hit]]:
        """Results, and the name of the provider that gave them: the one named `source`, else the first that can.

        Raises `SearchError` when none answers.
        """
        chosen = [provider for provider in self._providers if provider.name == source] or self._providers
        failures: list[tuple[str, SearchError]] = []
        for provider in chosen:
            try:
                hits = await provider.search(query, count, self._client)
            except SearchError as error:
                failures.append((provider.name, error))
                continue
            if not isinstance(provider, Corpus):
                hits = [hit for hit in hits if not self._policy.hides(urlsplit(hit.url).hostname or "")]
            if hits or provider is chosen[-1]:
                return provider.name, hits
        if not chosen:
            raise SearchError("there is nothing to search", "unavailable")
        if len(failures) == len(chosen) == 1:
            raise failures[0][1]
        if len(failures) == len(chosen):
            text = "; ".join(f"{name}: {error}" for name, error in failures)
            raise SearchError(text, failures[0][1].failure)
        return chosen[0].name, []

    async def page(self, url: str) -> Page:
        """The page at `url`. Raises `FetchError`."""
        document = await self._document(url)
        converted, source = await self._converted(document)
        if converted.needs_script and document.via == "http" and self._fetcher is not None:
            try:
                rendered = await self._fetcher.render(document.url)
            except FetchError as error:
                rendered, document = None, replace(document, note=f"this page needs JavaScript, and {error}")
            if rendered is not None:
                document = rendered
                converted, source = await self._converted(rendered)
        page = _page(document, converted, source)
        if len(page.text) > _LONG_TEXT:
            await asyncio.to_thread(lambda: page.lines)  # so that other sessions do not wait for its wrapping
        return page

    def locate(self, text: str, base: Page | None) -> str:
        """The address that the model means by `text`, as it would be typed into a browser.

        Raises `FetchError` where it is none that can be opened.
        """
        try:
            parts = urlsplit(text)
            scheme = parts.scheme if "://" in text else ""
            if scheme in ("http", "https", "corpus") and (parts.hostname, parts.port)[0]:
                return text
        except ValueError as error:
            raise FetchError("that is no valid address") from error
        if scheme or text.split(":")[0].lower() in ("file", "data", "javascript", "about", "chrome", "blob", "mailto"):
            raise FetchError("only http and https addresses can be opened")
        path, hash_mark, fragment = text.partition("#")
        for provider in self._providers:
            if isinstance(provider, Corpus) and provider.holds(path):
                return provider.url_of(path.lstrip("/")) + hash_mark + fragment
        host = text.split("/")[0]
        if "." in host.strip(".") and " " not in host:
            return "https://" + text
        joined = resolve(base.url, text) if base is not None and base.url and " " not in text else None
        if joined is None:
            raise FetchError("that is no address: give a link id, or a URL that begins with https://")
        return joined

    async def _document(self, url: str) -> Document:
        for provider in self._providers:
            if not isinstance(provider, Corpus) and self._policy.hides(urlsplit(url).hostname or ""):
                continue  # pages that a provider has in store lie behind the same rules
            document = await provider.fetch(url, self._client)
            if document is not None:
                return document
        if self._fetcher is None:
            names = ", ".join(f"`{provider.name}`" for provider in self._providers)
            raise FetchError(f"it lies outside {names}, and the web is not open to this browser")
        return await self._fetcher.fetch(url)

    async def _converted(self, document: Document) -> tuple[Converted, str | None]:
        if document.converted is not None:
            return document.converted, document.body.decode("utf-8", "replace")
        try:
            return await self._converter.convert(document.body, document.url, document.media_type, document.charset)
        except ConversionError as error:
            raise FetchError(str(error)) from error


def source_page(page: Page) -> Page:
    """The source of a page as a page. Raises `FetchError` where it has none."""
    if page.kind == "source":
        return page
    if page.source is None:
        raise FetchError("this page has no source")
    text = drop_controls(clean(page.source.replace("\r\n", "\n")))
    return Page(url=VIEW_SOURCE + page.url, title=page.title, text=text, kind="source", of=page)


def _page(document: Document, converted: Converted, source: str | None) -> Page:
    status = f"HTTP status {document.status}" if document.status >= 400 else None
    notes = [note for note in (status, document.note, converted.note) if note]
    head = f"\nURL: {document.url}\n" + "".join(f"[{note}]\n" for note in notes)
    anchors = {name: at + len(head) for name, at in converted.anchors.items()}
    return Page(
        url=document.url,
        title=document.title or converted.title or domain(document.url),
        text=head + converted.text,
        links=tuple(Link(url) for url in converted.links),
        anchors=anchors,
        source=source,
        start=len(head),
    )
