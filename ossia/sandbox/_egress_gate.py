"""The host's end of the egress proxy: reads what the code asks for, and connects only where the list allows it."""

import asyncio
import socket
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ossia.errors import SandboxUnavailable
from ossia.sandbox._link import Event, Link
from ossia.sandbox._supervisor import frames
from ossia.sandbox._supervisor.net import WINDOW
from ossia.sandbox.egress import Egress, address_is_safe

PORT = 3128
"""Where the proxy listens on the sandbox's loopback."""
_HEAD_LIMIT = 16 * 1024
_CONNECT_TIMEOUT = 20.0


class _Denied(Exception):
    """Why a request is not passed on, with the HTTP status that says so."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class _Tunnel:
    """One connection of the code."""

    number: int
    inbox: "asyncio.Queue[bytes]" = field(default_factory=asyncio.Queue)
    """What the code has sent; b"": it will send nothing more. Bounded by the window that the supervisor keeps to."""
    room: int = WINDOW
    """Bytes that may still go to the code before it has taken what is under way."""
    more_room: asyncio.Event = field(default_factory=asyncio.Event)
    buffer: bytes = b""
    answered: bool = False
    """True: what the code gets now comes from the far end, an answer of ours would be taken for a part of it."""


class EgressGate:
    """Serves the connections of one sandbox."""

    def __init__(self, policy: Egress) -> None:
        self.refused: list[str] = []
        """What was asked for and not allowed, as `host:port`, at most a hundred of them."""
        self._policy = policy
        self._left = policy.max_bytes
        self._link: Link | None = None
        self._tunnels: dict[int, _Tunnel] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def attach(self, link: Link) -> None:
        self._link = link

    def on_event(self, event: Event) -> None:
        """What the supervisor says of its connections. May raise what malformed events raise."""
        if event["op"] == "lost":
            self.close()
            return
        number = event.get("id")
        assert isinstance(number, int)
        match event["op"]:
            case "net_open":
                self._open(number)
            case "net_ack" if tunnel := self._tunnels.get(number):
                assert isinstance(event["bytes"], int)
                tunnel.room += event["bytes"]
                tunnel.more_room.set()
            case "net_end" if tunnel := self._tunnels.get(number):
                tunnel.inbox.put_nowait(b"")
            case "net_close" if task := self._tasks.get(number):
                task.cancel()

    def on_data(self, number: int, data: bytes) -> None:
        """Bytes that the code has sent."""
        if tunnel := self._tunnels.get(number):
            tunnel.inbox.put_nowait(data)

    def close(self) -> None:
        """End all connections."""
        for task in self._tasks.values():
            task.cancel()

    def _open(self, number: int) -> None:
        tunnel = self._tunnels[number] = _Tunnel(number)
        task = self._tasks[number] = asyncio.create_task(self._serve(tunnel), name="sandbox-egress")
        task.add_done_callback(lambda _: self._forget(number))

    def _forget(self, number: int) -> None:
        del self._tunnels[number], self._tasks[number]

    async def _serve(self, tunnel: _Tunnel) -> None:
        # A sandbox that is gone has no use for an answer.
        with suppress(SandboxUnavailable):
            try:
                # A far end that breaks off ends the connection, as it would without a proxy.
                with suppress(OSError):
                    await self._answer(tunnel)
            except _Denied as denied:
                if not tunnel.answered:
                    body = f"{denied}\n".encode()
                    head = f"HTTP/1.1 {denied.status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                    await self._connected.send(frames.NET, frames.data_payload(tunnel.number, head.encode() + body))
            await self._connected.say("net_end", id=tunnel.number)

    async def _answer(self, tunnel: _Tunnel) -> None:
        head = await self._read_head(tunnel)
        host, port, first = _target(head)
        if not self._policy.permits(host, port):
            self._note(host, port)
            raise _Denied("403 Forbidden", f"{host}:{port} is not on this sandbox's egress list")
        reader, writer = await self._dial(host, port)
        try:
            if first:
                writer.write(first)
            else:
                await self._to_code(tunnel, b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _both(self._outward(tunnel, writer), self._inward(tunnel, reader))
        finally:
            writer.close()

    async def _dial(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
                address = str(found[0][4][0])
                if not address_is_safe(address, host):
                    self._note(host, port)
                    raise _Denied("403 Forbidden", f"{host} resolves to {address}, which is not public")
                # The address that was checked, not the name: it might resolve to another one the next time.
                return await asyncio.open_connection(address, port)
        except (OSError, TimeoutError) as error:
            raise _Denied("502 Bad Gateway", f"{host}:{port} cannot be reached: {error}") from error

    async def _read_head(self, tunnel: _Tunnel) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = await self._take(tunnel)
            if not piece or len(head) > _HEAD_LIMIT:
                raise _Denied("400 Bad Request", "this is an HTTP proxy")
            head += piece
        head, _, tunnel.buffer = head.partition(b"\r\n\r\n")
        return head

    async def _take(self, tunnel: _Tunnel) -> bytes:
        piece = await tunnel.inbox.get()
        if piece:
            self._count(len(piece))
            await self._connected.say("net_ack", id=tunnel.number, bytes=len(piece))
        return piece

    async def _outward(self, tunnel: _Tunnel, writer: asyncio.StreamWriter) -> None:
        piece = tunnel.buffer or await self._take(tunnel)
        while piece:
            writer.write(piece)
            await writer.drain()
            piece = await self._take(tunnel)
        writer.write_eof()

    async def _inward(self, tunnel: _Tunnel, reader: asyncio.StreamReader) -> None:
        while piece := await reader.read(1 << 16):
            await self._to_code(tunnel, piece)

    async def _to_code(self, tunnel: _Tunnel, data: bytes) -> None:
        self._count(len(data))
        tunnel.answered = True
        while tunnel.room < len(data):
            tunnel.more_room.clear()
            await tunnel.more_room.wait()
        tunnel.room -= len(data)
        await self._connected.send(frames.NET, frames.data_payload(tunnel.number, data))

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise _Denied("403 Forbidden", "this sandbox has used up what it may send and receive")

    def _note(self, host: str, port: int) -> None:
        if len(self.refused) < 100:
            self.refused.append(f"{host}:{port}"[:200])

    @property
    def _connected(self) -> Link:
        if self._link is None:
            raise SandboxUnavailable("the sandbox is not open")
        return self._link


def _target(head: bytes) -> tuple[str, int, bytes]:
    """Host, port and what to send first (empty for CONNECT) of a proxy request's head, without its empty line."""
    try:
        line, _, rest = head.decode("latin-1").partition("\r\n")
        method, url, version = line.split(" ")
        if method == "CONNECT":
            host, _, port = url.rpartition(":")
            return host.strip("[]"), int(port), b""
        scheme, _, place = url.partition("://")
        authority, slash, path = place.partition("/")
        host, _, port = authority.partition(":")
        if scheme != "http" or not host:
            raise ValueError(url)
    except ValueError:
        raise _Denied("400 Bad Request", "this is an HTTP proxy: it takes CONNECT and http:// requests") from None
    kept = [
        h for h in rest.split("\r\n") if h and h.partition(":")[0].lower() not in ("connection", "proxy-connection")
    ]
    lines = [f"{method} {slash}{path} {version}" if slash else f"{method} / {version}", *kept, "Connection: close"]
    return host, int(port or 80), ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _both(outward: Coroutine[Any, Any, None], inward: Coroutine[Any, Any, None]) -> None:
    """Run until the far end has said all (the near end may have fallen silent long before), or one of them fails."""
    sending, receiving = asyncio.create_task(outward), asyncio.create_task(inward)
    try:
        await asyncio.wait([sending, receiving], return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
        await receiving
    finally:
        for task in (sending, receiving):
            task.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)


def proxy_environment() -> dict[str, str]:
    """The variables by which programs find the proxy."""
    url = f"http://127.0.0.1:{PORT}"
    names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    return {**dict.fromkeys(names, url), "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
