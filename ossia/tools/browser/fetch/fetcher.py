"""How one session gets documents: over HTTP first, with Chromium where scripts write the page."""

from ossia.tools.browser.fetch.http import HttpFetcher
from ossia.tools.browser.fetch.protocol import Document


class SessionFetcher:
    """The fetchers of one session."""

    def __init__(self, http: HttpFetcher) -> None:
        self._http = http

    async def fetch(self, url: str) -> Document:
        """The document at `url`. Raises `FetchError`."""
        return await self._http.fetch(url)

    async def render(self, url: str) -> Document | None:
        """The document after its scripts have run; None: that is not to be done. Raises `FetchError`."""
        return None
