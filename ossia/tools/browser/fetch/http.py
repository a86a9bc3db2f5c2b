"""Pages over plain HTTP, through the egress proxy."""

import asyncio
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from multidict import CIMultiDictProxy

from ossia.tools.browser.egress import REFUSED_HEADER
from ossia.tools.browser.egress.policy import SCHEMES
from ossia.tools.browser.fetch.protocol import Document, FetchError

MAX_REDIRECTS = 10
_RETRIES = 2
_RETRIED = (429, 502, 503, 504)
_LONGEST_WAIT = 5.0
_REDIRECTS = (301, 302, 303, 307, 308)
_OPAQUE = ("image/", "video/", "audio/", "font/", "application/zip", "application/gzip", "application/x-tar")
_SNIFFED = 64 << 10
_PDF_FACTOR = 3
"""PDFs may be this many times longer than pages: they cannot be cut, and hold less text for their size."""
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';]+)", re.IGNORECASE)

HEADERS = {
    "User-Agent": "Mozilla/5.0 (compatible; ossia)",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,text/plain;q=0.8,*/*;q=0.5",
    "Accept-Language": "en,*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}


class HttpFetcher:
    """Fetches for one session: its cookies live as long as it does.

    `proxy`: URL of the egress proxy. `max_bytes`: bytes of a page after decompression. `timeout`: seconds for a page;
    what had come until then is shown.
    """

    def __init__(self, proxy: str, *, max_bytes: int, timeout: float) -> None:
        self._proxy = proxy
        self._max_bytes = max_bytes
        self._timeout = timeout
        # `unsafe`: cookies of sites without a name count too.
        jar = aiohttp.CookieJar(unsafe=True)
        self._session = aiohttp.ClientSession(headers=HEADERS, cookie_jar=jar, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def fetch(self, url: str) -> Document:
        """The document at `url`, redirects followed, error pages included. Raises `FetchError`."""
        deadline = asyncio.get_running_loop().time() + self._timeout
        for attempt in range(_RETRIES + 1):
            document, wait = await self._follow(url, deadline)
            left = deadline - asyncio.get_running_loop().time()
            if wait is None or wait > min(_LONGEST_WAIT, left) or attempt == _RETRIES:
                break
            await asyncio.sleep(wait)
        return document

    async def _follow(self, url: str, deadline: float) -> tuple[Document, float | None]:
        for _ in range(MAX_REDIRECTS + 1):
            if urlsplit(url).scheme not in SCHEMES:
                raise FetchError(f"it leads to {urlsplit(url).scheme or 'no'}: an address that may not be opened")
            try:
                async with self._session.get(
                    url, proxy=self._proxy, allow_redirects=False, timeout=_until(deadline)
                ) as response:
                    target = response.headers.get("Location")
                    if response.status in _REDIRECTS and target:
                        url = urljoin(url, target)
                        continue
                    return await self._document(url, response, deadline), _wait(response)
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise FetchError(_explain(error)) from error
        raise FetchError(f"more than {MAX_REDIRECTS} redirects")

    async def _document(self, url: str, response: aiohttp.ClientResponse, deadline: float) -> Document:
        if response.headers.get(REFUSED_HEADER):
            raise FetchError((await response.content.read(1000)).decode("utf-8", "replace"))
        if "," in response.headers.get("Content-Encoding", ""):
            raise FetchError("it is compressed more than once")
        media_type, charset = content_type(response.headers)
        limit = self._limit(media_type)
        body, cut = await self._read(response, limit, deadline)
        note = {None: None, "size": f"only the first {limit:,} bytes are shown", "time": "it did not end in time"}[cut]
        if cut and media_type == "application/pdf":
            raise FetchError(f"the PDF is longer than {limit:,} bytes")
        if media_type.startswith(_OPAQUE):
            note = f"{response.content_length:,} bytes" if response.content_length else None
        return Document(url, body, media_type, charset, response.status, note=note)

    def _limit(self, media_type: str) -> int:
        if media_type.startswith(_OPAQUE):
            return min(self._max_bytes, _SNIFFED)
        return self._max_bytes * (_PDF_FACTOR if media_type == "application/pdf" else 1)

    async def _read(self, response: aiohttp.ClientResponse, limit: int, deadline: float) -> tuple[bytes, str | None]:
        """What of the body comes within `limit` bytes and the deadline, and what cut it short."""
        body = bytearray()
        try:
            async with asyncio.timeout_at(deadline):
                async for part in response.content.iter_any():
                    body += part
                    if len(body) > limit:
                        return bytes(body[:limit]), "size"
        except TimeoutError:
            if not body:
                raise FetchError("the server does not answer") from None
            return bytes(body), "time"
        except aiohttp.ClientPayloadError:
            if not body:
                raise
            return bytes(body), None
        return bytes(body), None


def content_type(headers: CIMultiDictProxy[str] | Mapping[str, str]) -> tuple[str, str | None]:
    """Media type, in lower case, and charset of a response; empty and None where it does not say."""
    value = headers.get("Content-Type", "")
    match = _CHARSET.search(value)
    return value.partition(";")[0].strip().lower(), match[1] if match else None


def _until(deadline: float) -> aiohttp.ClientTimeout:
    # The body has a deadline of its own, so that what came of it is kept.
    left = max(0.1, deadline - asyncio.get_running_loop().time())
    return aiohttp.ClientTimeout(total=None, connect=left, sock_read=left)


def _wait(response: aiohttp.ClientResponse) -> float | None:
    """Seconds after which to try again; None: not at all."""
    if response.status not in _RETRIED:
        return None
    after = response.headers.get("Retry-After", "1")
    return float(after) if after.isdigit() else None


def _explain(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return error.message or "the host cannot be reached"
    if isinstance(error, aiohttp.ClientSSLError):
        return f"its certificate or encryption is not in order ({error})"
    if isinstance(error, (aiohttp.InvalidURL, ValueError)):
        return "that is no valid address"
    if isinstance(error, TimeoutError):
        return "the server does not answer"
    return f"the connection failed ({str(error) or type(error).__name__})"
