"""The attach stream of a container: frames out, the daemon's multiplexed stdout and stderr in."""

import asyncio
import socket
import struct
from contextlib import suppress

from ossia.sandbox._docker_api import Daemon

_HEADER = struct.Struct(">BxxxI")
_STDOUT = 1
_STDERR_KEPT = 4096
_CLOSE_GRACE = 5.0
"""Seconds for the supervisor to end by itself once its stdin has ended."""


class DockerTransport:
    """Implements `Transport` for a container that was created and attached to."""

    def __init__(self, daemon: Daemon, container: str, sock: socket.socket) -> None:
        self._daemon = daemon
        self._container = container
        self._sock = sock
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._left = 0
        self._is_stdout = True
        self._stderr = b""
        self._ended = asyncio.Event()
        self._started = False
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Take over the socket."""
        self._reader, self._writer = await asyncio.open_connection(sock=self._sock, limit=1 << 20)

    async def start(self) -> None:
        """Start the container. What was written before reaches it then."""
        await self._daemon.call(lambda: self._daemon.client.start(self._container))
        self._started = True

    async def read(self) -> bytes:
        """The next bytes of stdout; b"" when the container has ended."""
        assert self._reader is not None
        while True:
            if not self._left and not await self._next_header():
                self._ended.set()
                return b""
            data = await self._reader.read(min(self._left, 1 << 18))
            if not data:
                self._ended.set()
                return b""
            self._left -= len(data)
            if self._is_stdout:
                return data
            self._stderr = (self._stderr + data)[-_STDERR_KEPT:]

    async def write(self, data: bytes) -> None:
        assert self._writer is not None
        if self._writer.is_closing():
            raise BrokenPipeError("its stream is closed")
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        """End stdin, which ends the supervisor and so the container; then see to it that it is removed."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="sandbox-close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._writer is not None:
            with suppress(OSError):
                self._writer.write_eof()
            if self._started:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), _CLOSE_GRACE)
            # Not `close`: what a container that never started was sent would have to be read first, by nobody.
            self._writer.transport.abort()
            with suppress(OSError):
                await self._writer.wait_closed()
        else:
            self._sock.close()
        # A daemon that is gone took the container with it, or its next start does: there is nobody to ask.
        await self._daemon.call(lambda: self._daemon.discard(self._container))

    async def post_mortem(self) -> str:
        """What is known of the container's end."""
        said = self._stderr.decode("utf-8", "replace").strip()
        return f"its container ended{': ' + said[-500:] if said else ''}"

    async def _next_header(self) -> bool:
        assert self._reader is not None
        try:
            kind, self._left = _HEADER.unpack(await self._reader.readexactly(_HEADER.size))
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        self._is_stdout = kind == _STDOUT
        return True
