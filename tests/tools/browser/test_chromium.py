"""Chromium: pages that scripts write, and every way in which a page may try to reach what it must not."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import BrowserContext, Page

from ossia.testing import opened
from ossia.testing.web import LocalWeb, WebPage, local_web
from ossia.tools.browser import Browser
from ossia.tools.browser.chromium import ChromiumHost, Renderer
from ossia.tools.browser.chromium.containment import find_chromium
from ossia.tools.browser.chromium.image import docker_command, image_is_there
from ossia.tools.browser.chromium.watch import tree
from ossia.tools.browser.egress import Dialer, EgressPolicy, EgressProxy
from ossia.tools.browser.fetch import FetchError

Containment = Literal["docker", "bubblewrap", "user"]

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(find_chromium() is None, reason="apt-get install chromium"),
]

NO_BWRAP = pytest.mark.skipif(shutil.which("bwrap") is None, reason="apt-get install bubblewrap")
NO_IMAGE = pytest.mark.skipif(not docker_command() or not image_is_there(), reason="ossia sandbox build browser")
EVERY = [
    # The weakest first: it shares our network, so that nothing but the proxy and the flags hold.
    pytest.param("user", id="user"),
    pytest.param("bubblewrap", id="bubblewrap", marks=[NO_BWRAP, pytest.mark.slow]),
    pytest.param("docker", id="docker", marks=[NO_IMAGE, pytest.mark.slow]),
]

APP = """<title>App</title><div id=app></div><script>
setTimeout(() => document.getElementById('app').innerHTML = '<h1>By script</h1><a href="/two">two</a>', 50)
</script>"""
SECRET = "INTERNAL SECRET"


@dataclass
class Net:
    """A public site at 127.0.0.2, a private one at 127.0.0.3 with the same port open, and Chromium."""

    public: LocalWeb
    private: LocalWeb
    host: ChromiumHost
    dialer: Dialer
    names: dict[str, list[str]]
    renderer: Renderer
    packets: list[bytes]
    """What came by UDP to the private address."""
    udp: int


@asynccontextmanager
async def open_net(containment: Containment) -> AsyncIterator[Net]:
    names: dict[str, list[str]] = {}

    async def resolve(host: str, port: int) -> list[str]:
        if host not in names:
            found = await asyncio.get_running_loop().getaddrinfo(host, port)
            return [str(address[0]) for *_, address in found]
        answers = names[host]
        return [answers.pop(0) if len(answers) > 1 else answers[0]]

    packets: list[bytes] = []
    async with (
        local_web({}, host="127.0.0.2") as public,
        local_web({}, host="127.0.0.3") as private,
        udp_listener("127.0.0.3", packets) as udp,
    ):
        policy = EgressPolicy(private=(f"127.0.0.2:{public.port}",), ports=(80, 443, public.port, private.port))
        proxy = EgressProxy(Dialer(policy, resolve))
        async with (
            proxy.listen() as url,
            ChromiumHost(proxy, url, containment) as host,
            Renderer(host, max_bytes=100_000, timeout=20) as renderer,
        ):
            yield Net(public, private, host, proxy.dialer, names, renderer, packets, udp)


@asynccontextmanager
async def udp_listener(host: str, packets: list[bytes]) -> AsyncIterator[int]:
    class Listener(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            packets.append(data)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Listener, local_addr=(host, 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


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


async def text_of(net: Net, url: str) -> str:
    return (await net.renderer.render(url)).body.decode()


async def text_or_error(net: Net, url: str) -> str:
    try:
        return await text_of(net, url)
    except FetchError as error:
        return str(error)


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


@pytest.mark.parametrize("containment", ["user", pytest.param("bubblewrap", marks=NO_BWRAP)])
async def test_what_holds_chromium(containment: Containment) -> None:
    """Its processes are not root's, renderers are in Chromium's own sandbox, and nothing of it stays behind."""
    others = set(tree(os.getpid()))
    async with open_net(containment) as net:
        net.public.pages["/"] = APP
        async with Renderer(net.host, max_bytes=100_000, timeout=20) as renderer:
            await renderer.render(net.public.url())
            chromium = [pid for pid in set(tree(os.getpid())) - others if "/usr/lib/chromium/" in command(pid)]
            renderers = [pid for pid in chromium if "--type=renderer" in command(pid)]
            assert renderers
            for pid in chromium:
                assert status(pid, "Uid") == ("65534" if os.geteuid() == 0 else str(os.geteuid()))
            for pid in renderers:
                assert status(pid, "Seccomp") == "2"
                assert status(pid, "NoNewPrivs") == "1"
                assert os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user")
                assert os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")
    assert not [pid for pid in chromium if Path(f"/proc/{pid}").exists() and status(pid, "State") != "Z"]


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def status(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith(name + ":")).split()[1]


async def test_scripts_can_be_run_on_every_page() -> None:
    site_pages = {"/": "<p id=p>static " * 50 + "<script>document.title = 'By script'</script>"}
    browser = Browser(javascript="always", chromium="user")
    async with local_web(site_pages) as site, opened(replace(browser, private=(site.netloc,))) as tool:
        assert (await tool.call("browser.open", {"id": site.url()})).startswith("[0] By script (")


@pytest.mark.slow
@pytest.mark.parametrize(
    "containment",
    ["user", pytest.param("bubblewrap", marks=NO_BWRAP), pytest.param("docker", marks=NO_IMAGE)],
)
async def test_a_page_that_eats_memory_ends_and_the_next_is_shown(containment: Containment) -> None:
    hog = "<script>a = []; setInterval(() => a.push(new Uint8Array(5e7).fill(1)), 5)</script><p>start"
    async with open_net(containment) as net:
        net.public.pages |= {"/hog": f"<iframe src=/eat></iframe>{hog}", "/eat": hog, "/fine": "<p>fine"}
        async with Renderer(net.host, max_bytes=100_000, timeout=25) as renderer:
            for _ in range(3):
                await text_or_error(net, net.public.url("/hog"))
            assert b"fine" in (await renderer.render(net.public.url("/fine"))).body


def kill_chromium() -> None:
    for pid in tree(os.getpid()):
        if "--type=" not in command(pid) and command(pid).startswith("/usr/lib/chromium/chromium"):
            os.kill(pid, signal.SIGKILL)


async def test_a_chromium_that_was_killed_is_started_again() -> None:
    async with open_net("user") as net:
        net.public.pages["/"] = "<p>fine"
        async with Renderer(net.host, max_bytes=100_000, timeout=30) as renderer:
            await renderer.render(net.public.url())
            kill_chromium()
            await asyncio.sleep(0.5)
            assert b"fine" in (await renderer.render(net.public.url())).body


async def test_a_chromium_that_ends_while_a_page_opens_is_started_again_once() -> None:
    async with open_net("user") as opened_net:
        requests = opened_net.public.requests

        async def killing(request: web.Request) -> WebPage:
            kill_chromium()
            return WebPage("<p>fine")

        async def killing_once(request: web.Request) -> WebPage:
            return await killing(request) if requests.count("GET /once") == 1 else WebPage("<p>fine")

        opened_net.public.pages |= {"/once": killing_once, "/always": killing}
        assert b"fine" in (await opened_net.renderer.render(opened_net.public.url("/once"))).body
        with pytest.raises(FetchError, match="Chromium ended while it opened the page"):
            await opened_net.renderer.render(opened_net.public.url("/always"))
        assert requests.count("GET /always") == 2


KILLED = """
import asyncio, os, signal
from ossia.testing import opened
from ossia.testing.web import local_web
from ossia.tools.browser import Browser
from ossia.tools.browser.chromium.watch import tree

async def main():
    async with local_web({{"/": "<script>document.write('by script')</script>"}}) as site:
        async with opened(Browser(private=(site.netloc,), chromium="{containment}")) as tool:
            shown = await tool.call("browser.open", {{"id": site.url()}})
            print("by script" in shown, *tree(os.getpid()), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "containment",
    ["user", pytest.param("bubblewrap", marks=NO_BWRAP), pytest.param("docker", marks=NO_IMAGE)],
)
async def test_nothing_is_left_where_its_process_is_killed(containment: Containment) -> None:
    script = KILLED.format(containment=containment)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    opened_page, *pids = (await process.stdout.readline()).split()
    await process.wait()
    assert opened_page == b"True"
    assert len(pids) > 3
    for _ in range(150):
        left = [int(pid) for pid in pids if command(int(pid))]
        running = await asyncio.to_thread(containers, process.pid) if containment == "docker" else []
        if not left and not running:
            return
        await asyncio.sleep(0.2)
    pytest.fail(f"left: {[command(pid) for pid in left]}, containers: {running!r}")


def containers(pid: int) -> list[str]:
    """The owners of Chromium's containers, of those that the process `pid` started."""
    form = '{{.Label "ossia.owner"}}'
    listing = [*docker_command(), "ps", "--filter", "label=ossia.chromium", "--format", form]
    shown = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    return [owner for owner in shown.split() if owner.split(".")[-2] == str(pid)]


async def test_a_tab_that_does_not_open_is_asked_for_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    real = BrowserContext.new_page

    async def slow(context: BrowserContext) -> Page:
        asked.append(0)
        if len(asked) != 2:
            await asyncio.sleep(60)
        return await real(context)

    monkeypatch.setattr(BrowserContext, "new_page", slow)
    async with open_net("user") as net:
        net.public.pages["/"] = "<p>fine"
        async with Renderer(net.host, max_bytes=100_000, timeout=5) as renderer:
            assert b"fine" in (await renderer.render(net.public.url())).body
        asked[:] = [0, 0]
        async with Renderer(net.host, max_bytes=100_000, timeout=1) as renderer:
            with pytest.raises(FetchError, match="opens no tab within 1 s"):
                await renderer.render(net.public.url())
        assert len(asked) == 4
