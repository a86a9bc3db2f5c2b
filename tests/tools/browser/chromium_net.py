"""A public and a private site, and Chromium before them."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import pytest

from ossia.testing.web import LocalWeb, local_web
from ossia.tools.browser.chromium import ChromiumHost, Renderer
from ossia.tools.browser.chromium.containment import find_chromium
from ossia.tools.browser.chromium.image import docker_command, image_is_there
from ossia.tools.browser.egress import Dialer, EgressPolicy, EgressProxy
from ossia.tools.browser.fetch import FetchError

Containment = Literal["docker", "bubblewrap", "user"]
CHROMIUM = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(find_chromium() is None, reason="apt-get install chromium"),
]
"""The marks of a module that needs it."""
NO_BWRAP = pytest.mark.skipif(shutil.which("bwrap") is None, reason="apt-get install bubblewrap")
NO_IMAGE = pytest.mark.skipif(not docker_command() or not image_is_there(), reason="ossia sandbox build browser")

APP = """<title>App</title><div id=app></div><script>
setTimeout(() => document.getElementById('app').innerHTML = '<h1>By script</h1><a href="/two">two</a>', 50)
</script>"""


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


async def text_of(net: Net, url: str) -> str:
    return (await net.renderer.render(url)).body.decode()


async def text_or_error(net: Net, url: str) -> str:
    try:
        return await text_of(net, url)
    except FetchError as error:
        return str(error)
