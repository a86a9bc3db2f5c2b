"""The egress list: what it lets through, what it refuses, and that nothing goes around it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ossia.sandbox import Bubblewrap, Docker, Sandbox
from ossia.sandbox.egress import Egress, address_is_safe
from ossia.sandbox.errors import SandboxUsageError
from ossia.testing.sandbox_conformance._case import value

from .conftest import BOUNDED, KERNEL, make_provider

BODY = b"x" * 3_000_000

ASK = """
import os, urllib.request, urllib.error
# The server of this test is on a loopback, for which programs do not ask a proxy by themselves.
os.environ['no_proxy'] = os.environ['NO_PROXY'] = ''
opener = urllib.request.build_opener()
def ask(url, data=None):
    try:
        with opener.open(url, data, timeout=20) as answer: return answer.status, len(answer.read())
    except urllib.error.HTTPError as error: return error.code, error.read().decode()[:60]
    except OSError as error: return str(error)
"""


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A web server on the host's loopback: it answers GET with a body, and POST with the length of what it got."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = BODY
        if head.startswith(b"POST"):
            length = next(int(h.split(b":")[1]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length"))
            body = str(len(await reader.readexactly(length))).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest.fixture(params=BOUNDED)
async def sandbox(request: pytest.FixtureRequest, port: int) -> AsyncIterator[Sandbox]:
    """A sandbox that may reach the server by its address, and the name localhost in vain."""
    await make_provider(request.param, request).aclose()
    egress = Egress((f"127.0.0.1:{port}", f"localhost:{port}", "*.example.com"))
    provider = Docker(egress=egress) if request.param == "docker" else Bubblewrap(egress=egress)
    opened = await provider.open(KERNEL)
    await opened.execute(ASK)
    yield opened
    await opened.close()
    await provider.aclose()


async def test_what_is_listed_is_reached_and_the_rest_is_not(sandbox: Sandbox, port: int) -> None:
    assert await value(sandbox, f"ask('http://127.0.0.1:{port}/a')") == f"(200, {len(BODY)})"
    assert "not on this sandbox's egress list" in str(await value(sandbox, "ask('http://other.org/')"))
    assert "not on this sandbox's egress list" in str(await value(sandbox, "ask('http://169.254.169.254/latest/')"))
    assert "not on this sandbox's egress list" in str(await value(sandbox, f"ask('http://127.0.0.1:{port + 1}/')"))
    assert "403" in str(await value(sandbox, "ask('https://other.org/')"))


async def test_a_name_that_leads_to_a_private_address_is_refused(sandbox: Sandbox, port: int) -> None:
    assert "not public" in str(await value(sandbox, f"ask('http://localhost:{port}/')"))


async def test_uploads_and_many_connections_go_through(sandbox: Sandbox, port: int) -> None:
    assert await value(sandbox, f"ask('http://127.0.0.1:{port}/', b'y' * 2_000_000)") == "(200, 7)"
    many = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        f"with ThreadPoolExecutor(8) as pool: got = list(pool.map(ask, ['http://127.0.0.1:{port}/'] * 16))\n"
        "set(got)"
    )
    assert await value(sandbox, many) == f"{{(200, {len(BODY)})}}"


async def test_there_is_still_no_interface_and_no_way_around_the_proxy(sandbox: Sandbox, port: int) -> None:
    assert sandbox.guarantees.no_network
    assert await value(sandbox, "import socket\n[name for _, name in socket.if_nameindex()]") == "['lo']"
    assert await value(sandbox, f"socket.socket().connect_ex(('127.0.0.1', {port}))") == "111"


@pytest.mark.parametrize("bad", ["b'garbage\\r\\n\\r\\n'", "b'CONNECT nowhere HTTP/1.1\\r\\n\\r\\n'", "b'x' * 100_000"])
async def test_what_is_no_request_is_answered_and_closed(sandbox: Sandbox, bad: str) -> None:
    code = (
        "import socket\ns = socket.create_connection(('127.0.0.1', 3128))\n"
        f"try: s.sendall({bad}); s.shutdown(1)\nexcept OSError: pass\n"
        "s.settimeout(10)\ns.recv(100)[:12]"
    )
    assert await value(sandbox, code) == "b'HTTP/1.1 400'"


async def test_a_sandbox_may_not_send_and_receive_without_end(port: int, kernel_environment: None) -> None:
    provider = Bubblewrap(egress=Egress((f"127.0.0.1:{port}",), max_bytes=1_000_000))
    sandbox = await provider.open(KERNEL)
    await sandbox.execute(ASK)
    result = await sandbox.execute(f"ask('http://127.0.0.1:{port}/')")
    assert str(len(BODY)) not in str(result.outputs)
    assert "used up" in str(await value(sandbox, f"ask('http://127.0.0.1:{port}/')"))
    await sandbox.close()


@pytest.mark.parametrize(
    ("entry", "host", "port", "permitted"),
    [
        ("pypi.org", "pypi.org", 443, True),
        ("pypi.org", "PyPI.org.", 80, True),
        ("pypi.org", "pypi.org", 22, False),
        ("pypi.org", "evil-pypi.org", 443, False),
        ("pypi.org", "pypi.org.evil.net", 443, False),
        ("*.debian.org", "deb.debian.org", 80, True),
        ("*.debian.org", "debian.org", 80, False),
        ("*.debian.org", "xdebian.org", 80, False),
        ("10.0.0.7:8080", "10.0.0.7", 8080, True),
        ("10.0.0.7:8080", "10.0.0.7", 80, False),
    ],
)
def test_entries_of_the_list(entry: str, host: str, port: int, permitted: bool) -> None:
    assert Egress((entry,)).permits(host, port) is permitted


@pytest.mark.parametrize("entry", ["", "*", "a*b.org", "*evil.org", "host:port", "host:0", "host:99999"])
def test_an_entry_that_is_none_is_the_users_mistake(entry: str) -> None:
    with pytest.raises(SandboxUsageError):
        Egress((entry,))


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "::1", "fe80::1", "fd00::1"]
)
def test_private_addresses_are_reached_only_by_their_own_name(address: str) -> None:
    assert not address_is_safe(address, "innocent.example.com")
    assert address_is_safe(address, address)
