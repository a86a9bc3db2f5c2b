"""Daemons for tests: the real one behind a socket of our own, with faults at the requests that are named; our own."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Literal

REAL = "/var/run/docker.sock"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]
Fault = Literal["cut", "cut after", "silent"]
"""The connection is cut before the daemon sees the request, or after it has answered; or no answer ever comes."""


class Relay:
    """Relays connections to the daemon; `faults`: pattern of a request line -> what becomes of that request."""

    def __init__(self) -> None:
        self.faults: dict[str, Fault] = {}
        self.seen: list[str] = []
        """The request lines, in order."""
        self.dead = asyncio.Event()
        """Once set, every connection is cut and none is taken any more."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self.dead.is_set():
            writer.close()
            return
        their_reader, their_writer = await asyncio.open_unix_connection(REAL)
        cut = asyncio.Event()
        ends = (writer, their_writer)
        pumps = {
            asyncio.create_task(self._forward(reader, their_writer, cut)),
            asyncio.create_task(self._back(their_reader, writer, cut)),
        }
        # A half-closed stream goes on in its other direction.
        ended = asyncio.gather(*pumps, return_exceptions=True)
        stops = [asyncio.create_task(event.wait()) for event in (self.dead, cut)]
        waited: list[asyncio.Future[Any]] = [ended, *stops]
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                await _close(*ends)
        finally:
            for task in (*pumps, *stops):
                task.cancel()
            for end in ends:
                end.transport.abort()
            await asyncio.gather(*pumps, *stops, return_exceptions=True)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                match self._fault(data):
                    case "cut":
                        cut.set()
                        return
                    case "silent":
                        await asyncio.Event().wait()
                    case "cut after":
                        self._cut_at_answer = True
                writer.write(data)
                await writer.drain()
            writer.write_eof()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if self._cut_at_answer:
                    self._cut_at_answer = False
                    cut.set()
                    return
                writer.write(data)
                await writer.drain()
            writer.write_eof()

    _cut_at_answer = False

    def _fault(self, data: bytes) -> Fault | None:
        line = data.split(b"\r\n", 1)[0]
        if not re.fullmatch(rb"(GET|POST|DELETE|HEAD) /\S* HTTP/1\.1", line):
            return None
        self.seen.append(line.decode())
        return next((fault for pattern, fault in self.faults.items() if re.search(pattern, self.seen[-1])), None)


async def _close(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def _handled(serve: Handler) -> AsyncIterator[Handler]:
    """`serve` for a server; what is still served at the end is cancelled, and waited for."""
    running: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        running.add(task)
        await asyncio.wait([task])
        await _close(writer)

    yield handle
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    # Their `handle` goes on for a moment.
    await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def relayed(path: Path) -> AsyncIterator[Relay]:
    """A relay on a Unix socket at `path`."""
    relay = Relay()
    async with _handled(relay.serve) as handle, await asyncio.start_unix_server(handle, str(path)):
        yield relay
        relay.dead.set()
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def relayed_by_tcp() -> AsyncIterator[tuple[Relay, str]]:
    """A relay on a port of the loopback, and its URL."""
    relay = Relay()
    async with _handled(relay.serve) as handle, await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield relay, f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        relay.dead.set()
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def answering(path: Path, version: bytes | None) -> AsyncIterator[str]:
    """Something on a Unix socket that gives this answer to every request (None: takes it and stays silent); its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if version is None:
            await reader.read()
        else:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(version)
            writer.write(head + version)
            await writer.drain()

    async with _handled(serve) as handle, await asyncio.start_unix_server(handle, str(path)):
        yield f"unix://{path}"


def copy_image(name: str, load: Sequence[str]) -> None:
    """Give an image of the machine's daemon to the program `load`."""
    save = subprocess.Popen(["docker", "save", name], stdout=subprocess.PIPE)
    subprocess.run(load, stdin=save.stdout, stdout=subprocess.DEVNULL, check=True, timeout=300)
    assert save.stdout is not None
    save.stdout.close()
    assert save.wait(60) == 0


def clear_below(folder: Path) -> None:
    """Kill what a daemon whose files are below `folder` has left running, and let go of what it has mounted there."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if f"{folder}/".encode() in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGKILL)
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in sorted(mounts, reverse=True):
        if point.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", point], check=False)
