"""Pages as Chromium shows them, for one session: one context, one tab that is used again."""

import asyncio
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Dialog, Download, Error, Page, Route

from ossia.errors import InfrastructureError
from ossia.tools.browser.chromium.host import ChromiumHost
from ossia.tools.browser.egress import REFUSED_HEADER
from ossia.tools.browser.egress.policy import SCHEMES
from ossia.tools.browser.fetch.protocol import Document, FetchError

_SETTLE = 5.0
"""Seconds that a page gets to finish its requests once it has loaded; many never do."""
_LEFT_OUT = ("image", "media", "font")
_NETWORK = "net::ERR_"
_ENDED = "has been closed"
_HTML = "limit => document.documentElement ? document.documentElement.outerHTML.slice(0, limit) : ''"


class Renderer:
    """Opens pages in Chromium.

    `max_bytes`: of a page once its scripts have run; `timeout`: seconds that it may take.
    """

    def __init__(self, host: ChromiumHost, *, max_bytes: int, timeout: float) -> None:
        self._host = host
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._stack = AsyncExitStack()
        self._context: BrowserContext | None = None
        self._tab: Page | None = None
        self._opening = False
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._drop()

    async def render(self, url: str) -> Document:
        """The page at `url` after its scripts have run. Raises `FetchError`."""
        if urlsplit(url).scheme not in SCHEMES:
            raise FetchError("only http and https addresses can be opened")
        async with self._turn:
            try:
                return await self._attempt(url)
            except _ChromiumEnded:
                # An earlier page, or another session's, may have brought it down; this one gets a fresh Chromium, once.
                return await self._attempt(url)

    async def _attempt(self, url: str) -> Document:
        sound = False
        try:
            async with asyncio.timeout(self._timeout):
                document = await self._open(url)
            sound = True
        except TimeoutError as error:
            if self._tab is None:  # an earlier page still has all the memory, say: no fault of this one
                raise _ChromiumEnded(f"Chromium opens no tab within {self._timeout:g} s") from error
            raise FetchError(f"the page does not load within {self._timeout:g} s") from error
        except Error as error:
            if sound := _NETWORK in error.message:
                await self._close_tab()  # it still shows, or is about to show, a page of Chromium's about the error
            raise _failure(_explain(error), error.message) from error
        except InfrastructureError as error:
            raise _failure(str(error), str(error)) from error
        except FetchError:
            sound = True
            raise
        finally:
            if not sound:  # the tab may hang or be gone
                await asyncio.shield(self._drop())
        return document

    async def _open(self, url: str) -> Document:
        tab = await self._ready()
        response = await tab.goto(url, wait_until="domcontentloaded", timeout=self._timeout * 1000)
        if response is not None and response.headers.get(REFUSED_HEADER.lower()):
            raise FetchError((await response.text())[:1000])
        with suppress(Error):
            await tab.wait_for_load_state("networkidle", timeout=_SETTLE * 1000)
        if urlsplit(tab.url).scheme not in SCHEMES:
            raise FetchError("the page leads to an address that may not be opened")
        html = str(await tab.evaluate(_HTML, self._max_bytes + 1))
        note = f"only the first {self._max_bytes:,} characters are shown" if len(html) > self._max_bytes else None
        document = Document(
            url=tab.url,
            body=html[: self._max_bytes].encode("utf-8", "replace"),
            media_type="text/html",
            charset="utf-8",
            status=response.status if response is not None else 200,
            via="chromium",
            note=note,
        )
        await tab.goto("about:blank")  # its scripts run no further
        return document

    async def _ready(self) -> Page:
        if self._context is not None and not self._host.is_running(self._context):
            await self._drop()
        if self._context is None:
            self._context = await self._stack.enter_async_context(self._host.context())
            await self._context.route("**/*", _filter)
            self._context.on("page", self._close_popup)
        if self._tab is None or self._tab.is_closed():
            self._opening = True
            try:
                self._tab = await self._context.new_page()
            finally:
                self._opening = False
            self._tab.on("download", _cancel)
            self._tab.on("dialog", _dismiss)
        return self._tab

    async def _close_popup(self, page: Page) -> None:
        if page is not self._tab and not self._opening:
            with suppress(Error):
                await page.close()

    async def _close_tab(self) -> None:
        tab, self._tab = self._tab, None
        if tab is not None:
            with suppress(Error):
                await tab.close()

    async def _drop(self) -> None:
        self._tab = self._context = None
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()


class _ChromiumEnded(FetchError):
    """The whole of Chromium ended or hangs, not only this page's tab."""


async def _cancel(download: Download) -> None:
    with suppress(Error):
        await download.cancel()


async def _dismiss(dialog: Dialog) -> None:
    with suppress(Error):
        await dialog.dismiss()


async def _filter(route: Route) -> None:
    """Only what a page's text may depend on, and only from the web. Addresses are the egress proxy's matter."""
    request = route.request
    scheme = urlsplit(request.url).scheme
    with suppress(Error):  # the page may be gone by now
        if scheme not in (*SCHEMES, "data", "blob") or request.resource_type in _LEFT_OUT:
            await route.abort("blockedbyclient")
        else:
            await route.continue_()


def _failure(text: str, reason: str) -> FetchError:
    return _ChromiumEnded(text) if _ENDED in reason else FetchError(text)


def _explain(error: Error) -> str:
    first = error.message.splitlines()[0] if error.message else "failed"
    for mark, text in _ERRORS.items():
        if mark in error.message:
            return text
    return f"Chromium could not open it ({first[:200]})"


_ERRORS = {
    "ERR_TUNNEL_CONNECTION_FAILED": "the address may not, or cannot, be reached",
    "ERR_NAME_NOT_RESOLVED": "there is no such host",
    "ERR_TOO_MANY_REDIRECTS": "too many redirects",
    "ERR_ABORTED": "it is a download, or its page ended the request",
    "Download is starting": "it is a download, not a page",
    "Timeout": "the page does not load in time",
    "Target crashed": "the page crashed its tab",
    "Page crashed": "the page crashed its tab",
    _ENDED: "Chromium ended while it opened the page",
}
