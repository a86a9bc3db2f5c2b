"""The one Chromium of a browser: started when first needed, contained, watched, started again after a crash."""

import asyncio
import logging
import os
import secrets
import socket
import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from playwright.async_api import Browser, BrowserContext, Error, async_playwright

from ossia.errors import InfrastructureError
from ossia.sandbox.folders import HeldFolder, reap
from ossia.tools.browser.chromium._launch import PORT
from ossia.tools.browser.chromium.containment import HANDOVER, MEMORY, Plan, choose, plan
from ossia.tools.browser.chromium.image import USER, docker_command
from ossia.tools.browser.chromium.watch import MemoryWatch
from ossia.tools.browser.egress import EgressProxy

START_TIMEOUT = 60.0
_LOG = logging.getLogger(__name__)

FLAGS = (  # beside those that Playwright gives
    "--disable-gpu",
    "--disable-quic",
    "--disable-file-system",
    "--disable-domain-reliability",
    "--no-pings",
    "--dns-prefetch-disable",
    "--force-webrtc-ip-handling-policy",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    # WebRTC sends UDP past a proxy unless it is told not to.
    "--js-flags=--max-old-space-size=512",
)


class ChromiumHost:
    """Opens contexts, one for each session, in one Chromium.

    `proxy`: the egress proxy; `proxy_url`: where it listens on loopback, for a Chromium that shares our network.
    """

    def __init__(
        self, proxy: EgressProxy, proxy_url: str, containment: Literal["auto", "docker", "bubblewrap", "user"]
    ) -> None:
        self._proxy = proxy
        self._proxy_url = proxy_url
        self._wanted = containment
        self._starting = asyncio.Lock()
        self._browser: Browser | None = None
        self._stack = AsyncExitStack()
        self.containment = ""
        """What holds the Chromium that runs."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @asynccontextmanager
    async def context(self) -> AsyncIterator[BrowserContext]:
        """A context without cookies, downloads, service workers or permissions. Raises `InfrastructureError`."""
        browser = await self._running()
        try:
            context = await browser.new_context(accept_downloads=False, service_workers="block", locale="en-US")
        except Error as error:
            raise InfrastructureError(f"Chromium opens no context: {error.message}") from error
        try:
            yield context
        finally:
            try:
                async with asyncio.timeout(5):
                    await context.close()
            except (Error, TimeoutError):
                # A renderer that hangs holds its context, so all of that Chromium goes; not one started since.
                if self._browser is browser:
                    await asyncio.shield(self.stop())

    def is_running(self, context: BrowserContext) -> bool:
        """False once the Chromium of `context` has ended."""
        return context.browser is not None and context.browser.is_connected()

    async def stop(self) -> None:
        """End Chromium, and everything that was started with it."""
        async with self._starting:
            self._browser = None
            await self._stack.aclose()

    async def _running(self) -> Browser:
        async with self._starting:
            if self._browser is None or not self._browser.is_connected():
                await self._stack.aclose()
                self._stack = AsyncExitStack()
                try:
                    self._browser = await self._start()
                except BaseException:
                    await self._stack.aclose()
                    raise
            return self._browser

    async def _start(self) -> Browser:
        containment = await asyncio.to_thread(choose, self._wanted)
        await asyncio.to_thread(reap)
        folder, handover = self._folder(), self._folder()
        if os.geteuid() == 0:
            os.chown(handover, USER, USER)  # Chromium's user finds the socket there; nothing else lies in it
        how = plan(containment, handover, f"ossia-chromium-{secrets.token_hex(6)}")
        script = folder / "chromium"
        script.write_text(how.script(folder / "pid"))
        script.chmod(stat.S_IRWXU)
        try:
            async with asyncio.timeout(START_TIMEOUT):
                browser = await self._launch(how, handover / HANDOVER, script)
        except (Error, TimeoutError, OSError) as error:
            _LOG.warning("Chromium does not start under %s: %s", containment, error)
            raise InfrastructureError(f"Chromium does not start under {containment}") from error
        self.containment = containment
        return browser

    def _folder(self) -> Path:
        # Root's own temporary directory may lie where Chromium's user cannot go.
        parent = "/tmp" if os.geteuid() == 0 else None
        folder = HeldFolder("ossia-chromium-", parent)
        self._stack.callback(folder.release)
        return folder.path

    async def _launch(self, how: Plan, handover: Path, script: Path) -> Browser:
        if how.name:
            self._stack.push_async_callback(_remove_container, how.name)
        playwright = await async_playwright().start()
        self._stack.push_async_callback(playwright.stop)
        waiting: asyncio.Task[socket.socket] | None = None
        if how.isolated:
            waiting = asyncio.create_task(_handed_out(handover))
        address = f"http://127.0.0.1:{PORT}" if how.isolated else self._proxy_url
        try:
            browser = await playwright.chromium.launch(
                executable_path=script,
                args=list(FLAGS),
                chromium_sandbox=how.own_sandbox,
                proxy={"server": address, "bypass": "<-loopback>"},
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
                timeout=START_TIMEOUT * 1000,
            )
            if waiting is not None:
                await self._stack.enter_async_context(self._proxy.listen(await waiting))
        finally:
            if waiting is not None:
                waiting.cancel()
        if how.containment != "docker":
            await self._stack.enter_async_context(MemoryWatch(script.with_name("pid"), MEMORY))
        self._stack.push_async_callback(_close, browser)
        return browser


async def _handed_out(path: Path) -> socket.socket:
    """The listener that Chromium's launcher hands out over a Unix socket at `path`, which is gone afterwards."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        os.chmod(path, 0o666)  # its folder is ours alone; whoever sees the socket itself was given it
        server.listen(1)
        server.setblocking(False)
        channel, _ = await loop.sock_accept(server)
        os.unlink(path)
    with channel:
        channel.setblocking(True)
        channel.settimeout(10.0)
        _, descriptors, _, _ = await asyncio.to_thread(socket.recv_fds, channel, 16, 1)
        if len(descriptors) != 1:
            raise OSError("the launcher handed out no listener")
        channel.sendall(b"k")
    listener = socket.socket(fileno=descriptors[0])
    listener.setblocking(False)
    return listener


async def _close(browser: Browser) -> None:
    try:
        async with asyncio.timeout(5):
            await browser.close()
    except (Error, TimeoutError):
        return  # what is left of it goes with its container, or with its pipe


async def _remove_container(name: str) -> None:
    command = [*docker_command(), "rm", "--force", name]
    await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=30, check=False)
