"""Every way that leads to a private address is refused to the HTTP client, and no packet reaches what listens there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp.web import Request

from ossia.testing.web import LocalWeb, WebPage, local_web
from ossia.tools.browser.egress import Dialer, EgressPolicy, EgressProxy
from ossia.tools.browser.fetch import FetchError
from ossia.tools.browser.fetch.http import HttpFetcher

SECRET = "INTERNAL SECRET"


@dataclass
class Net:
    """A public site, a private one, and a fetcher whose proxy knows which is which."""

    public: LocalWeb
    private: LocalWeb
    fetcher: HttpFetcher
    dialer: Dialer
    names: dict[str, list[str]] = field(default_factory=dict)
    """What the names of hosts resolve to, in turn where a name is asked for again."""

    async def text(self, url: str) -> str:
        return (await self.fetcher.fetch(url)).body.decode()


@pytest.fixture
async def net() -> AsyncIterator[Net]:
    async with open_net() as found:
        yield found


@asynccontextmanager
async def open_net() -> AsyncIterator[Net]:
    names: dict[str, list[str]] = {}

    async def resolve(host: str, port: int) -> list[str]:
        answers = names.get(host)
        if answers is None:
            found = await asyncio.get_running_loop().getaddrinfo(host, port)
            return [str(address[0]) for *_, address in found]
        return (answers.pop(0) if len(answers) > 1 else answers[0]).split(",")

    async with (
        local_web({"/": "public"}, host="127.0.0.2") as public,
        local_web({"/": SECRET}, host="127.0.0.3") as private,
    ):
        policy = EgressPolicy(private=(f"127.0.0.2:{public.port}",), ports=(80, 443, private.port, public.port))
        dialer = Dialer(policy, resolve)
        async with (
            EgressProxy(dialer).listen() as proxy,
            HttpFetcher(proxy, max_bytes=100_000, timeout=5) as fetcher,
        ):
            yield Net(public, private, fetcher, dialer, names)


async def test_the_public_site_is_reached(net: Net) -> None:
    assert await net.text(net.public.url()) == "public"
    net.names["site.example"] = ["127.0.0.2"]
    assert await net.text(net.public.url(host="site.example")) == "public"


FORMS = {
    "dotted": "127.0.0.3",
    "decimal": "2130706435",
    "hexadecimal": "0x7f000003",
    "hexadecimal, dotted": "0x7f.0.0.3",
    "octal": "0177.0.0.3",
    "short": "127.3",
    "full stop at the end": "127.0.0.3.",
    "mapped": "[::ffff:127.0.0.3]",
    "mapped, hexadecimal": "[::ffff:7f00:3]",
    "compatible": "[::127.0.0.3]",
    "NAT64": "[64:ff9b::7f00:3]",
    "6to4": "[2002:7f00:3::]",
    "loopback, v6": "[::1]",
    "all zeros": "0.0.0.0",
    "name": "localhost",
    "name in capitals": "LOCALHOST",
    "fullwidth digits": "１２７.0.0.3",
    "user before it": "public.example@127.0.0.3",
    "metadata": "169.254.169.254",
    "private": "10.0.0.1",
    "multicast": "224.0.0.1",
    "broadcast": "255.255.255.255",
}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", FORMS.values(), ids=FORMS.keys())
async def test_no_way_of_writing_a_private_address_reaches_it(net: Net, host: str, scheme: str) -> None:
    with pytest.raises(FetchError):
        await net.fetcher.fetch(f"{scheme}://{host}:{net.private.port}/")
    assert net.private.requests == []
    assert all(decision.address is None for decision in net.dialer.decisions)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.3", "2130706435", "[::ffff:127.0.0.3]", "localhost"])
async def test_a_redirect_to_a_private_address_is_not_followed(net: Net, status: int, host: str) -> None:
    target = f"http://{host}:{net.private.port}/"
    net.public.pages["/go"] = WebPage(status=status, headers={"Location": target})
    with pytest.raises(FetchError, match="not on the public internet"):
        await net.fetcher.fetch(net.public.url("/go"))
    assert net.private.requests == []


async def test_a_redirect_to_a_name_of_a_private_address_is_not_followed(net: Net) -> None:
    net.names["inside.example"] = ["127.0.0.3"]
    net.public.pages["/go"] = WebPage(status=302, headers={"Location": net.private.url(host="inside.example")})
    with pytest.raises(FetchError, match="inside.example is not on the public internet"):
        await net.fetcher.fetch(net.public.url("/go"))
    assert net.private.requests == []


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://e.org/", "data:text/html,x", "javascript:x", "gopher://x"]
)
async def test_a_redirect_to_another_scheme_is_not_followed(net: Net, location: str) -> None:
    net.public.pages["/go"] = WebPage(status=302, headers={"Location": location})
    with pytest.raises(FetchError, match="an address that may not be opened"):
        await net.fetcher.fetch(net.public.url("/go"))


async def test_a_name_that_changes_its_address_is_checked_each_time_it_is_dialled(net: Net) -> None:
    """DNS rebinding: the first answer is public, the second private."""
    net.names["flip.example"] = ["127.0.0.2", "127.0.0.3"]
    assert await net.text(net.public.url(host="flip.example")) == "public"
    with pytest.raises(FetchError, match="flip.example is not on the public internet"):
        await net.fetcher.fetch(net.private.url(host="flip.example"))
    assert net.private.requests == []


@pytest.mark.parametrize("answer", ["127.0.0.2,127.0.0.3", "127.0.0.3,127.0.0.2", "127.0.0.2,::1"])
async def test_one_private_address_among_several_is_enough_to_refuse(net: Net, answer: str) -> None:
    net.names["mixed.example"] = [answer]
    with pytest.raises(FetchError, match="not on the public internet"):
        await net.fetcher.fetch(net.public.url(host="mixed.example"))
    assert net.public.requests == []


async def test_what_was_dialled_is_what_was_checked(net: Net) -> None:
    net.names["site.example"] = ["127.0.0.2"]
    await net.fetcher.fetch(net.public.url(host="site.example"))
    (decision,) = net.dialer.decisions
    assert (decision.host, decision.address) == ("site.example", "127.0.0.2")


async def test_other_ports_are_not_reached(net: Net) -> None:
    with pytest.raises(FetchError, match="port 22 of 127.0.0.2 may not be reached"):
        await net.fetcher.fetch("http://127.0.0.2:22/")


async def ask_proxy(request: bytes) -> bytes:
    async with EgressProxy(Dialer(EgressPolicy())).listen() as proxy:
        host, port = proxy.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return answer


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT [::1]:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT 127.0.0.1 HTTP/1.1\r\n\r\n", b"400"),
        (b"GET http://127.0.0.1/ HTTP/1.1\r\n\r\n", b"403"),
        (b"GET ftp://127.0.0.1/ HTTP/1.1\r\n\r\n", b"403"),
        (b"GET file:///etc/passwd HTTP/1.1\r\n\r\n", b"403"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"403"),
        (b"GET ws://127.0.0.1/ HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", b"403"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET http://127.0.0.1:port/ HTTP/1.1\r\n\r\n", b"400"),
    ],
)
async def test_the_proxy_serves_nothing_else(request_bytes: bytes, status: bytes) -> None:
    assert (await ask_proxy(request_bytes)).split(b" ")[1] == status


async def test_a_request_goes_to_the_host_that_was_checked_whatever_its_host_field_says(net: Net) -> None:
    seen: list[str] = []

    async def page(request: Request) -> WebPage:
        seen.append(request.headers["Host"])
        return WebPage("ok")

    net.public.pages["/"] = page
    async with EgressProxy(net.dialer).listen() as proxy:
        host, port = proxy.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {net.public.url()} HTTP/1.1\r\nHost: inside.example\r\n\r\n".encode())
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert seen == [net.public.netloc]
