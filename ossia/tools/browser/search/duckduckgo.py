"""DuckDuckGo, through the `ddgs` library."""

import asyncio
import importlib.util
from dataclasses import dataclass
from typing import Final

from ossia.errors import UserError
from ossia.tools.browser.fetch.protocol import Document
from ossia.tools.browser.search._client import ApiClient
from ossia.tools.browser.search.errors import SearchError
from ossia.tools.browser.search.protocol import Hit

_CAPTCHA: Final = ("anomaly-modal", "captcha", "bots use duckduckgo too", "unusual traffic")
_LIMITED: Final = (202, 418, 429)
_REFUSED: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class DuckDuckGo:
    """The HTML pages of duckduckgo.com, read by `ddgs`.

    DuckDuckGo offers no interface for programs: it answers a few requests a minute and then refuses for a while. `ddgs`
    itself reports a refusal, a captcha and "nothing found" alike; here they are told apart by the HTTP status.
    """

    region: str = "us-en"
    timeout: float = 10.0
    """Seconds a search may take."""
    proxy: str | None = None
    """An HTTP or SOCKS5 proxy to search through."""
    endpoint: str | None = None
    """Another address than DuckDuckGo's own, for tests."""

    @property
    def name(self) -> str:
        return "duckduckgo"

    def check(self) -> None:
        if importlib.util.find_spec("ddgs") is None:
            raise UserError("Searching DuckDuckGo needs ddgs: pip install 'ossia[browser]'.")

    async def search(self, query: str, count: int, client: ApiClient) -> list[Hit]:
        """The first page of results."""
        del client
        try:
            async with asyncio.timeout(self.timeout + 1):
                hits = await asyncio.to_thread(self._search, query)
        except TimeoutError as error:
            raise SearchError(f"DuckDuckGo does not answer within {self.timeout:g} s", "timeout") from error
        return hits[:count]

    async def fetch(self, url: str, client: ApiClient) -> Document | None:
        """None: it has no pages of its own."""
        del url, client
        return None

    def _search(self, query: str) -> list[Hit]:
        from ddgs.engines.duckduckgo import Duckduckgo
        from ddgs.exceptions import DDGSException, TimeoutException

        engine = Duckduckgo(proxy=self.proxy, timeout=int(self.timeout))
        payload = engine.build_payload(query, self.region, "moderate", None)
        try:
            # The client itself, and not `engine.search`, which drops the status.
            answer = engine.http_client.request(engine.search_method, self.endpoint or engine.search_url, data=payload)
            _check(answer.status_code)
            results = engine.post_extract_results(engine.extract_results(answer.text)) if answer.text.strip() else []
        except TimeoutException as error:
            raise SearchError(f"DuckDuckGo does not answer within {self.timeout:g} s", "timeout") from error
        except DDGSException as error:
            raise SearchError(f"DuckDuckGo cannot be reached ({error})", "unavailable") from error
        hits = [Hit(result.title, result.href, result.body) for result in results if result.href]
        if not hits and any(word in answer.text.lower() for word in _CAPTCHA):
            raise SearchError("DuckDuckGo asks for a captcha: it takes us for a robot", "blocked")
        return hits


def _check(status: int) -> None:
    if status == 200:
        return
    if status in _LIMITED:
        raise SearchError(f"DuckDuckGo is asked too often (HTTP {status})", "rate_limited")
    if status in _REFUSED:
        raise SearchError(f"DuckDuckGo refuses to answer (HTTP {status})", "blocked")
    raise SearchError(f"DuckDuckGo failed (HTTP {status})", "unavailable")
