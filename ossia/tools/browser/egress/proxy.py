"""The one way out: an HTTP proxy on loopback through which the HTTP client and Chromium go."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from ossia.tools.browser.egress.dialer import Dialer
from ossia.tools.browser.egress.policy import Refused

REFUSED_HEADER = "X-Ossia-Refused"
"""Header of what the proxy itself answers in place of a server; the body is the reason."""

_HEAD_LIMIT = 64 << 10
_CHUNK = 64 << 10
_HOP_BY_HOP = (b"connection", b"proxy-connection", b"proxy-authorization", b"keep-alive", b"host", b"te", b"trailer")
_MAX_CONNECTIONS = 256


class EgressProxy:
    """Serves `CONNECT` and `http://` requests under the dialer's policy.

    `max_bytes`: most bytes of one connection, either way; `idle`: seconds without a byte after which it is closed.
    """

    def __init__(self, dialer: Dialer, *, max_bytes: int = 64 << 20, idle: float = 60.0) -> None:
        self.dialer = dialer
        self._max_bytes = max_bytes
        self._idle = idle

    @asynccontextmanager
    async def listen(self, listener: socket.socket | None = None) -> AsyncIterator[str]:
        """Serve on `listener`, or on a free port of 127.0.0.1: its URL. Leaving it closes every connection."""
        tasks: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._accept(reader, writer, tasks)

        if listener is None:
            server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        else:
            server = await asyncio.start_server(accept, sock=listener, limit=_HEAD_LIMIT)
        host, port = server.sockets[0].getsockname()[:2]
        try:
            yield f"http://{host}:{port}"
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await server.wait_closed()

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tasks: set[asyncio.Task[None]]
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            if len(tasks) <= _MAX_CONNECTIONS:
                await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # the proxy is closing; a server's own task has no one who would take the cancellation
        finally:
            tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self._idle):
                head = await reader.readuntil(b"\r\n\r\n")
            upstream = await self._upstream(head, writer)
        except Refused as refused:
            await _answer(writer, 403, str(refused), f"{REFUSED_HEADER}: 1\r\n")
        except ValueError:
            await _answer(writer, 400, "that is no valid address", f"{REFUSED_HEADER}: 1\r\n")
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        except OSError as error:
            await _answer(writer, 502, str(error), f"{REFUSED_HEADER}: 1\r\n")
        else:
            await self._relay(reader, writer, *upstream)

    async def _upstream(
        self, head: bytes, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect as the request's first lines say, and pass them on. Raises `ValueError` where they make no sense."""
        first, _, rest = head.partition(b"\r\n")
        method, target, _ = first.decode("latin-1").split(" ")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            upstream = await self.dialer.connect(host, int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            return upstream
        parts = urlsplit(target)
        if parts.scheme != "http" or not parts.hostname:
            raise Refused(f"{parts.scheme or 'this'} is no scheme that may be opened")
        upstream = await self.dialer.connect(parts.hostname, parts.port or 80)
        upstream[1].write(_forwarded(method, target, rest))
        return upstream

    async def _relay(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
    ) -> None:
        """Pass bytes both ways until the server has said all."""
        sending = asyncio.create_task(self._pipe(reader, up_writer))
        try:
            await self._pipe(up_reader, writer)
        finally:
            up_writer.close()
            sending.cancel()
            await asyncio.wait([sending])

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self._max_bytes
        with suppress(OSError, TimeoutError):
            while left > 0:
                async with asyncio.timeout(self._idle):
                    data = await reader.read(min(_CHUNK, left))
                if not data:
                    break
                left -= len(data)
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()


def _forwarded(method: str, target: str, rest: bytes) -> bytes:
    """The request as its server gets it: for that server's host, and on a connection that serves nothing else."""
    parts = urlsplit(target)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    fields = [line for line in rest.split(b"\r\n") if line]
    kept = [line for line in fields if line.partition(b":")[0].strip().lower() not in _HOP_BY_HOP]
    first = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close".encode("latin-1")
    return b"\r\n".join([first, *kept]) + b"\r\n\r\n"


async def _answer(writer: asyncio.StreamWriter, status: int, text: str, fields: str = "") -> None:
    body = text.encode()
    # The reason phrase holds the text too: to a failed CONNECT, it is all that clients show.
    phrase = " ".join(text.encode("ascii", "replace").decode().split())[:200]
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    with suppress(OSError):
        writer.write(f"{head}{fields}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
