"""Chromium: what holds it, and what is left where it ends, is killed or eats memory."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import BrowserContext, Page

from ossia.testing import opened
from ossia.testing.web import WebPage, local_web
from ossia.tools.browser import Browser
from ossia.tools.browser.chromium import Renderer
from ossia.tools.browser.chromium.image import docker_command
from ossia.tools.browser.chromium.watch import tree
from ossia.tools.browser.fetch import FetchError
from tests.tools.browser.chromium_net import (
    APP,
    CHROMIUM,
    NO_BWRAP,
    NO_IMAGE,
    Containment,
    open_net,
    text_or_error,
)

pytestmark = CHROMIUM

IN_EACH = pytest.mark.parametrize(
    "containment",
    ["user", pytest.param("bubblewrap", marks=NO_BWRAP), pytest.param("docker", marks=NO_IMAGE)],
)


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
@IN_EACH
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
@IN_EACH
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
