"""A web on loopback: pages that a test or an example serves to the browser."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web


@dataclass(frozen=True, slots=True)
class WebPage:
    """What is answered to a request."""

    body: str | bytes | AsyncIterator[bytes] = b""
    """An iterator is sent piece by piece, as it comes."""
    content_type: str = "text/html; charset=utf-8"
    """Empty: none is sent."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Answer: TypeAlias = "str | WebPage | Callable[[web.Request], Awaitable[WebPage]]"
"""HTML, a page, or a function that makes one for each request."""


@dataclass(slots=True)
class LocalWeb:
    """A running server. Pages may be added, changed and taken out while it runs."""

    host: str
    port: int
    pages: dict[str, Answer]
    """By path, without query."""
    requests: list[str] = field(default_factory=list)
    """Every request so far, as `METHOD path?query`."""

    @property
    def netloc(self) -> str:
        """`host:port`, as `Browser(private=...)` takes it."""
        return f"{self.host}:{self.port}"

    def url(self, path: str = "/", host: str | None = None) -> str:
        """The address of a page; `host` where another name stands for this server."""
        return f"http://{host or self.host}:{self.port}{path}"


@asynccontextmanager
async def local_web(pages: Mapping[str, Answer], *, host: str = "127.0.0.1") -> AsyncIterator[LocalWeb]:
    """Serve `pages` on a free port of `host`, any address of 127.0.0.0/8: `async with local_web({"/": "..."}) as site`.

    What is not there is answered with 404. The browser refuses loopback unless told otherwise, so a test gives it
    `Browser(private=(site.netloc,))`.
    """
    site = LocalWeb(host, 0, dict(pages))

    async def answer(request: web.Request) -> web.StreamResponse:
        site.requests.append(f"{request.method} {request.path_qs}")
        found = site.pages.get(request.path, WebPage("<h1>Not found</h1>", status=404))
        page = (
            WebPage(found) if isinstance(found, str) else found if isinstance(found, WebPage) else await found(request)
        )
        return await _send(page, request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    listener = web.TCPSite(runner, host, 0)
    try:
        await listener.start()
        site.port = runner.addresses[0][1]
        yield site
    finally:
        await runner.cleanup()


async def _send(page: WebPage, request: web.Request) -> web.StreamResponse:
    headers = dict(page.headers)
    if page.content_type:
        headers["Content-Type"] = page.content_type
    if isinstance(page.body, (str, bytes)):
        body = page.body.encode() if isinstance(page.body, str) else page.body
        return web.Response(body=body, status=page.status, headers=headers)
    response = web.StreamResponse(status=page.status, headers=headers)
    await response.prepare(request)
    async for piece in page.body:
        await response.write(piece)
    return response
