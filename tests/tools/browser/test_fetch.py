"""Whatever a server does, the model gets a short text within the tool's time limit, and the run goes on."""

import asyncio
import gzip
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp.web import Request

from ossia.testing import OpenedTool, opened
from ossia.testing.web import Answer, LocalWeb, WebPage, local_web
from ossia.tools.browser import Browser
from tests.tools.browser.test_converter import PDF


@asynccontextmanager
async def browsing(pages: dict[str, Answer], **options: float) -> AsyncIterator[tuple[OpenedTool, LocalWeb]]:
    async with local_web(pages) as site:
        browser = Browser(
            private=(site.netloc,),
            javascript="never",
            timeout=options.get("timeout", 20.0),
            max_bytes=int(options.get("max_bytes", 1_000_000)),
        )
        async with opened(browser) as tool:
            yield tool, site


async def shown(page: Answer, **options: float) -> str:
    async with browsing({"/": page}, **options) as (tool, site):
        text = await tool.call("browser.open", {"id": site.url()})
        return text.replace(site.netloc, "HOST")


async def endless(_: Request) -> WebPage:
    async def body() -> AsyncIterator[bytes]:
        while True:
            yield b"<p>drip"
            await asyncio.sleep(0.05)

    return WebPage(body())


async def silent(_: Request) -> WebPage:
    await asyncio.sleep(60)
    return WebPage()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 500])
async def test_the_body_of_an_error_is_shown_with_its_status(status: int) -> None:
    text = await shown(WebPage("<h1>Gone fishing</h1>", status=status))
    assert text.endswith(f"L1: URL: http://HOST/\nL2: [HTTP status {status}]\nL3: # Gone fishing")


async def test_a_server_that_is_busy_is_asked_again() -> None:
    async with browsing({"/": WebPage("busy", status=503, headers={"Retry-After": "0"})}) as (tool, site):
        assert "[HTTP status 503]" in await tool.call("browser.open", {"id": site.url()})
        assert len(site.requests) == 3
        site.requests.clear()
        site.pages["/"] = WebPage("come back tomorrow", status=429, headers={"Retry-After": "86400"})
        assert "[HTTP status 429]" in await tool.call("browser.open", {"id": site.url()})
        assert len(site.requests) == 1


async def test_redirects_are_followed_and_the_last_address_is_shown() -> None:
    pages: dict[str, Answer] = {
        "/": WebPage(status=301, headers={"Location": "a/b"}),
        "/a/b": WebPage(status=307, headers={"Location": "../c"}),
        "/c": "<a href='d'>next</a>",
        "/d": "<p>end",
    }
    async with browsing(pages) as (tool, site):
        assert f"({site.url('/c')})" in await tool.call("browser.open", {"id": site.url()})
        assert f"({site.url('/d')})" in await tool.call("browser.open", {"id": 0})


async def test_redirects_without_end_are_given_up() -> None:
    assert "more than 10 redirects" in await shown(WebPage(status=302, headers={"Location": "/"}))


async def test_a_redirect_to_nowhere_is_a_page() -> None:
    assert "[HTTP status 302]" not in (text := await shown(WebPage("moved", status=302)))
    assert "L2: moved" in text


async def test_a_gzip_bomb_is_cut() -> None:
    bomb = WebPage(gzip.compress(b"<p>a " * 40_000_000), headers={"Content-Encoding": "gzip"})
    started = time.monotonic()
    text = await shown(bomb)
    assert "L2: [only the first 1,000,000 bytes are shown]" in text
    assert time.monotonic() - started < 20


async def test_what_is_compressed_twice_is_refused() -> None:
    body = gzip.compress(gzip.compress(b"<p>a"))
    assert "compressed more than once" in await shown(WebPage(body, headers={"Content-Encoding": "gzip, gzip"}))


async def test_what_is_compressed_is_shown() -> None:
    assert "L2: fine" in await shown(WebPage(gzip.compress(b"<p>fine"), headers={"Content-Encoding": "gzip"}))
    assert "L2: fine" in await shown(WebPage(zlib.compress(b"<p>fine"), headers={"Content-Encoding": "deflate"}))
    assert "Error fetching" in await shown(WebPage(b"not gzip", headers={"Content-Encoding": "gzip"}))


async def test_a_page_of_fifty_megabytes_is_cut() -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"<p>text " * (1 << 17)

    async def page(_: Request) -> WebPage:
        return WebPage(body())

    assert "[only the first 1,000,000 bytes are shown]" in await shown(page)


async def test_a_page_that_never_ends_is_shown_as_far_as_it_came() -> None:
    started = time.monotonic()
    text = await shown(endless, timeout=2)
    assert "L2: [it did not end in time]\nL3: drip" in text
    assert time.monotonic() - started < 4


async def test_a_server_that_never_answers_is_given_up_within_the_time_limit() -> None:
    started = time.monotonic()
    assert "the server does not answer" in await shown(silent, timeout=2)
    assert time.monotonic() - started < 4


async def test_binary_files_are_named_and_not_shown() -> None:
    assert "binary file (image/png" in await shown(
        WebPage(b"\x89PNG\r\n\x1a\n" + bytes(1000), content_type="image/png")
    )
    assert "binary file (application/octet" in await shown(
        WebPage(bytes(1000), content_type="application/octet-stream")
    )


async def test_a_pdf_is_shown() -> None:
    assert "First line" in await shown(WebPage(PDF, content_type="application/pdf"))
    assert "First line" in await shown(WebPage(PDF, content_type="application/octet-stream"))


async def test_a_page_without_a_type_is_shown_as_what_it_is() -> None:
    assert "L2: # Hi" in await shown(WebPage("<!doctype html><h1>Hi", content_type=""))


async def test_a_page_that_cannot_be_converted_in_time_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    text = await shown(WebPage("<p>a<b>" * 400_000), max_bytes=3_000_000, timeout=60)
    assert text.startswith("[0] ")


@pytest.mark.parametrize(
    "url",
    [
        "http://host.invalid/",
        "https://host.invalid/",
        "http://",
        "https://[::bad/",
        "http://a b/",
        "http://x:99999/",
        "http://x:0/",
        "https://" + "a" * 300 + ".example/",
        "http://exa\x00mple.org/",
        "http://.../",
        "//",
        "?",
        "not an address",
        "about:blank",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "view-source:file:///etc/passwd",
        "chrome://version",
        "ftp://example.org/",
    ],
)
async def test_an_address_that_leads_nowhere_is_an_answer(url: str) -> None:
    async with browsing({}) as (tool, _):
        result = await tool.result("browser.open", {"id": url})
        assert result.error
        assert result.text.startswith("Error fetching URL `")
        assert "\n" not in result.text


async def test_a_dead_port_is_an_answer() -> None:
    async with local_web({}) as gone:
        pass
    async with opened(Browser(private=(gone.netloc,), javascript="never")) as tool:
        assert "Error fetching URL" in await tool.call("browser.open", {"id": gone.url()})


async def test_cookies_stay_within_a_session() -> None:
    seen: list[str] = []

    async def page(request: Request) -> WebPage:
        seen.append(request.headers.get("Cookie", ""))
        return WebPage("ok", headers={"Set-Cookie": "a=1"})

    async with browsing({"/": page}) as (tool, site):
        await tool.call("browser.open", {"id": site.url()})
        await tool.call("browser.open", {"id": site.url()})
        async with opened(tool.tool) as other:
            await other.call("browser.open", {"id": site.url()})
    assert seen == ["", "a=1", ""]


async def test_a_cancelled_call_leaves_the_session_as_it_was() -> None:
    async with browsing({"/": silent, "/fine": "<p>fine"}) as (tool, site):
        call = asyncio.create_task(tool.call("browser.open", {"id": site.url()}))
        await asyncio.sleep(0.3)
        call.cancel()
        await asyncio.wait([call])
        assert call.cancelled()
        assert (await tool.call("browser.open", {"id": site.url("/fine")})).startswith("[0] ")


async def test_sites_can_be_allowed_and_blocked() -> None:
    async with local_web({"/": "ok"}) as site:
        async with opened(Browser(private=(site.netloc,), allow=("127.0.0.1",), javascript="never")) as tool:
            assert "ok" in await tool.call("browser.open", {"id": site.url()})
            text = await tool.call("browser.open", {"id": "https://example.org/"})
            assert "example.org is not among the sites that this session may open" in text
        async with opened(Browser(private=(site.netloc,), block=("127.0.0.1",), javascript="never")) as tool:
            assert "127.0.0.1 is blocked in this session" in await tool.call("browser.open", {"id": site.url()})
