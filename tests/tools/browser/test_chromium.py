"""Chromium: pages that scripts write, and every way in which a page may try to reach what it must not."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ossia.testing import opened
from ossia.testing.web import WebPage, local_web
from ossia.tools.browser import Browser
from ossia.tools.browser.chromium import Renderer
from ossia.tools.browser.fetch import FetchError
from tests.tools.browser.chromium_net import (
    APP,
    CHROMIUM,
    NO_BWRAP,
    NO_IMAGE,
    Net,
    open_net,
    text_of,
    text_or_error,
)

pytestmark = CHROMIUM

EVERY = [
    # The weakest first: it shares our network, so that nothing but the proxy and the flags hold.
    pytest.param("user", id="user"),
    pytest.param("bubblewrap", id="bubblewrap", marks=[NO_BWRAP, pytest.mark.slow]),
    pytest.param("docker", id="docker", marks=[NO_IMAGE, pytest.mark.slow]),
]

SECRET = "INTERNAL SECRET"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=EVERY)
async def open_once(request: pytest.FixtureRequest) -> AsyncIterator[Net]:
    async with open_net(request.param) as net:
        yield net


@pytest.fixture
def net(open_once: Net) -> Net:
    net = open_once
    net.public.pages.clear()
    net.private.pages |= {
        "/": f"<p>{SECRET}",
        "/api": WebPage(f'"{SECRET}"', headers={"Access-Control-Allow-Origin": "*"}),
    }
    net.public.requests.clear()
    net.private.requests.clear()
    net.dialer.decisions.clear()
    net.packets.clear()
    net.names.clear()
    return net


TO_PAGES = {
    "redirect": WebPage(status=302, headers={"Location": "{target}/"}),
    "redirect, permanent": WebPage(status=301, headers={"Location": "{target}/"}),
    "meta refresh": '<meta http-equiv="refresh" content="0;url={target}/">start',
    "script": '<script>location = "{target}/"</script>',
    "frame": '<iframe src="{target}/"></iframe>',
    "frame, redirected": '<iframe src="/bounce"></iframe>',
    "embed": '<embed src="{target}/">',
    "object": '<object data="{target}/"></object>',
    "script file": '<script src="{target}/api"></script>',
    "style sheet": '<link rel="stylesheet" href="{target}/api">',
    "preload": '<link rel="preload" as="script" href="{target}/api">',
    "prefetch": '<link rel="prefetch" href="{target}/api">',
    "fetch": "<script>fetch('{target}/api').then(r => r.text()).then(t => document.title = t)</script>",
    "fetch, no cors": "<script>fetch('{target}/api', {{mode: 'no-cors', method: 'POST', body: 'x'}})</script>",
    "fetch, redirected": "<script>fetch('/bounce').then(r => r.text()).then(t => document.title = t)</script>",
    "XMLHttpRequest": "<script>x = new XMLHttpRequest(); x.open('GET', '{target}/api'); x.send()</script>",
    "beacon": "<script>navigator.sendBeacon('{target}/api', 'x')</script>",
    "event source": "<script>new EventSource('{target}/api')</script>",
    "form": '<form method="post" action="{target}/"></form><script>document.forms[0].submit()</script>',
    "worker": "<script>new Worker(URL.createObjectURL(new Blob([\"fetch('{target}/api')\"])))</script>",
    "popup": "<script>open('{target}/')</script>",
    "module": '<script type="module">import "{target}/api"</script>',
    "ping": '<a id=a href="#" ping="{target}/api">x</a><script>document.getElementById("a").click()</script>',
}
"""Pages of the public site that try to reach `target`."""


def serve(net: Net, page: str | WebPage, target: str) -> None:
    if isinstance(page, WebPage):
        page = WebPage(
            page.body, status=page.status, headers={"Location": page.headers["Location"].format(target=target)}
        )
    else:
        page = page.format(target=target)
    bounce = WebPage(status=302, headers={"Location": f"{target}/api", "Access-Control-Allow-Origin": "*"})
    net.public.pages |= {"/attack": page, "/bounce": bounce}


@pytest.mark.parametrize("page", TO_PAGES.values(), ids=TO_PAGES.keys())
async def test_no_way_leads_to_a_private_address(net: Net, page: str | WebPage) -> None:
    serve(net, page, f"http://127.0.0.3:{net.private.port}")
    assert SECRET not in await text_or_error(net, net.public.url("/attack"))
    assert net.public.requests[0] == "GET /attack"
    assert net.private.requests == []
    assert not [d for d in net.dialer.decisions if d.address == "127.0.0.3"]


POWERLESS = ("ping", "popup", "prefetch")
"""What Chromium does not even try here: it is told to send no pings, popups are closed, and a prefetch may wait."""
POWERFUL = {name: page for name, page in TO_PAGES.items() if name not in POWERLESS}


@pytest.mark.slow
@pytest.mark.parametrize("page", POWERFUL.values(), ids=POWERFUL.keys())
async def test_each_of_these_ways_would_lead_there(net: Net, page: str | WebPage) -> None:
    """The test above says something only where the same page reaches a public site."""
    serve(net, page, net.public.url(""))
    net.public.pages |= {"/": "<p>reached", "/api": WebPage('"reached"')}
    await text_of(net, net.public.url("/attack"))
    assert {request.split()[1] for request in net.public.requests} & {"/", "/api"}


HOSTS = {
    "decimal": "2130706435",
    "hexadecimal": "0x7f000003",
    "octal": "0177.0.0.3",
    "short": "127.3",
    "mapped": "[::ffff:127.0.0.3]",
    "NAT64": "[64:ff9b::7f00:3]",
    "6to4": "[2002:7f00:3::]",
    "name": "localhost",
    "loopback, v6": "[::1]",
    "all zeros": "0.0.0.0",
    "metadata": "169.254.169.254",
    "private": "10.0.0.1",
}


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS.keys())
async def test_no_way_of_writing_an_address_leads_there(net: Net, host: str) -> None:
    with pytest.raises(FetchError, match="not on the public internet"):
        await text_of(net, f"http://{host}:{net.private.port}/")
    with pytest.raises(FetchError, match="may not, or cannot, be reached"):
        await text_of(net, f"https://{host}:{net.private.port}/")
    assert net.private.requests == []


async def test_a_name_that_changes_its_address_leads_nowhere(net: Net) -> None:
    """DNS rebinding: a page fetches from its own name, which has moved to a private address meanwhile."""
    net.names["flip.example"] = ["127.0.0.2", "127.0.0.3"]
    page = "<script>fetch('http://flip.example:{port}/api').then(r => r.text()).then(t => document.title = t)</script>"
    net.public.pages["/attack"] = page.format(port=net.private.port)
    assert SECRET not in await text_of(net, net.public.url("/attack", host="flip.example"))
    assert net.private.requests == []


async def test_a_web_socket_leads_nowhere(net: Net) -> None:
    reached: list[bytes] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.3", 0)
    port = server.sockets[0].getsockname()[1]
    page = (
        "<script>for (u of ['ws', 'wss']) try {{ new WebSocket(`${{u}}://127.0.0.3:{port}/`) }} catch (e) {{}}</script>"
    )
    net.public.pages["/attack"] = page.format(port=port)
    async with server:
        await text_of(net, net.public.url("/attack"))
        await asyncio.sleep(0.2)
    assert reached == []
    net.public.pages["/attack"] = f"<script>new WebSocket('{net.public.url('/socket').replace('http', 'ws')}')</script>"
    await text_of(net, net.public.url("/attack"))
    assert "GET /socket" in net.public.requests  # a socket to a public site would


async def test_web_rtc_sends_no_packet(net: Net) -> None:
    net.public.pages["/attack"] = f"""<script>
    pc = new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.3:{net.udp}'}}]}});
    pc.createDataChannel('x'); pc.createOffer().then(o => pc.setLocalDescription(o));
    </script>"""
    await text_of(net, net.public.url("/attack"))
    await asyncio.sleep(1.5)
    assert net.packets == []


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "view-source:file:///etc/passwd", "chrome://version", "about:version", "data:text/html,x"],
)
async def test_other_schemes_are_not_opened(net: Net, url: str) -> None:
    with pytest.raises(FetchError, match="only http and https"):
        await text_of(net, url)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "chrome://version", "view-source:http://127.0.0.2/"])
async def test_a_page_leads_to_no_other_scheme(net: Net, target: str) -> None:
    net.public.pages["/attack"] = (
        f'<p>start<iframe src="{target}"></iframe><script>location = "{target}"; open("{target}")</script>'
    )
    text = await text_of(net, net.public.url("/attack"))
    assert "root:" not in text
    assert "start" in text


async def test_scripts_write_the_page(net: Net) -> None:
    net.public.pages["/app"] = APP
    assert "<h1>By script</h1>" in await text_of(net, net.public.url("/app"))


async def test_the_status_and_the_last_address_are_kept(net: Net) -> None:
    net.public.pages |= {
        "/start": WebPage(status=302, headers={"Location": "/end"}),
        "/end": WebPage("<p>nothing here", status=404),
    }
    async with Renderer(net.host, max_bytes=1000, timeout=20) as renderer:
        document = await renderer.render(net.public.url("/start"))
    assert (document.url, document.status, document.via) == (net.public.url("/end"), 404, "chromium")


async def test_dialogs_popups_and_downloads_do_not_stop_a_page(net: Net) -> None:
    net.public.pages |= {
        "/page": "<p id=p>start<script>alert(1); confirm(2); prompt(3); open('/pop'); p.innerText = 'done'</script>",
        "/pop": "<p>popup",
        "/file": WebPage(
            b"x" * 1000, content_type="application/octet-stream", headers={"Content-Disposition": "attachment"}
        ),
        "/clicks": "<p>before<a id=a href='/file' download>x</a><script>a.click()</script>",
    }
    assert ">done<" in await text_of(net, net.public.url("/page"))
    assert "before" in await text_of(net, net.public.url("/clicks"))
    with pytest.raises(FetchError, match="download"):
        await text_of(net, net.public.url("/file"))


async def test_service_workers_are_not_installed(net: Net) -> None:
    net.public.pages |= {
        "/page": "<p>start<script>navigator.serviceWorker && navigator.serviceWorker.register('/sw.js')</script>",
        "/sw.js": WebPage("self.addEventListener('fetch', () => 0)", content_type="text/javascript"),
    }
    await text_of(net, net.public.url("/page"))
    assert "GET /sw.js" not in net.public.requests


async def test_sessions_share_no_cookies(net: Net) -> None:
    net.public.pages["/page"] = "<script>document.write(document.cookie || 'none'); document.cookie = 'a=1'</script>"
    await text_of(net, net.public.url("/page"))
    assert "a=1" in await text_of(net, net.public.url("/page"))
    async with Renderer(net.host, max_bytes=100_000, timeout=20) as other:
        assert b"none" in (await other.render(net.public.url("/page"))).body


async def test_a_page_that_hangs_is_given_up_and_the_next_is_shown(net: Net) -> None:
    net.public.pages |= {"/hang": "<script>for (;;) {}</script>", "/fine": "<p>fine"}
    async with Renderer(net.host, max_bytes=100_000, timeout=4) as renderer:
        with pytest.raises(FetchError, match=r"does not load within|in time"):
            await renderer.render(net.public.url("/hang"))
        assert b"fine" in (await renderer.render(net.public.url("/fine"))).body


async def test_a_page_that_goes_on_for_ever_is_cut(net: Net) -> None:
    net.public.pages["/long"] = "<script>for (i = 0; i < 3e4; i++) document.write('<p>text')</script>"
    async with Renderer(net.host, max_bytes=10_000, timeout=30) as renderer:
        document = await renderer.render(net.public.url("/long"))
    assert len(document.body) == 10_000
    assert document.note == "only the first 10,000 characters are shown"


async def test_no_other_address_was_ever_asked_for(net: Net) -> None:
    """Chromium itself reports to nobody: what it dials is what the pages ask for."""
    net.public.pages["/app"] = APP
    await text_of(net, net.public.url("/app"))
    await asyncio.sleep(1)
    assert {decision.host for decision in net.dialer.decisions} <= {"127.0.0.2"}


async def test_the_browser_runs_scripts_where_there_is_no_text_without_them() -> None:
    pages = {"/": APP, "/static": "<p>static " * 50}
    async with local_web(pages) as site, opened(Browser(private=(site.netloc,), chromium="user")) as tool:
        await tool.call("browser.open", {"id": site.url("/static")})
        assert site.requests == ["GET /static"]
        shown = await tool.call("browser.open", {"id": site.url()})
        assert "L2: # By script" in shown
        assert "【0†two】" in shown


async def test_a_page_that_needs_scripts_says_so_where_they_are_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    async with local_web({"/": APP}) as site:
        async with opened(Browser(private=(site.netloc,), javascript="never")) as tool:
            assert "App" in await tool.call("browser.open", {"id": site.url()})
        monkeypatch.setenv("PATH", "/nowhere")
        async with opened(Browser(private=(site.netloc,), chromium="docker")) as tool:
            shown = await tool.call("browser.open", {"id": site.url()})
    assert "[this page needs JavaScript, and Chromium cannot be started" in shown.replace("\n", " ").replace("  ", " ")
