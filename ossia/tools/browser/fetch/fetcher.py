"""How one session gets documents: over HTTP first, with Chromium where scripts write the page."""

from ossia.tools.browser.chromium import Renderer
from ossia.tools.browser.fetch.http import HttpFetcher
from ossia.tools.browser.fetch.protocol import Document

_RENDERED = ("text/html", "application/xhtml+xml")


class SessionFetcher:
    """The fetchers of one session. `renderer`: None where scripts are never run; `always`: they are on every page."""

    def __init__(self, http: HttpFetcher, renderer: Renderer | None, *, always: bool = False) -> None:
        self._http = http
        self._renderer = renderer
        self._always = always

    async def fetch(self, url: str) -> Document:
        """The document at `url`. Raises `FetchError`."""
        document = await self._http.fetch(url)
        if self._always and self._renderer is not None and document.media_type in _RENDERED:
            return await self._renderer.render(document.url)
        return document

    async def render(self, url: str) -> Document | None:
        """The document after its scripts have run; None: scripts are never run. Raises `FetchError`."""
        return None if self._renderer is None else await self._renderer.render(url)
