"""The host's end of the frame stream: always drains, answers requests, survives whatever arrives."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from ossia.errors import SandboxUnavailable
from ossia.sandbox._supervisor import frames
from ossia.types import JsonValue

FRAME_LIMIT = 64 << 20
"""Largest frame in either direction, in bytes: a cell's code or one message of a kernel."""

Event = Mapping[str, JsonValue]


class Transport(Protocol):
    """The attached stdin and stdout of a supervisor."""

    async def read(self) -> bytes:
        """The next bytes of its stdout; b"" when it has ended."""
        ...

    async def write(self, data: bytes) -> None:
        """Send to its stdin. Raises `OSError` when it has ended."""
        ...

    async def close(self) -> None:
        """End the sandbox and wait until nothing of it is left."""
        ...

    async def post_mortem(self) -> str:
        """One clause on why it has ended, such as an exit code and the last of its stderr."""
        ...


@dataclass
class _Request:
    future: "asyncio.Future[Event]"
    data: bytearray = field(default_factory=bytearray)
    room: int = 0


class Link:
    """Frames to and from one supervisor."""

    def __init__(
        self,
        transport: Transport,
        *,
        on_message: Callable[[int, list[bytes]], None],
        on_event: Callable[[Event], None],
        on_net: Callable[[int, bytes], None] = lambda connection, data: None,
    ) -> None:
        self.malformed = 0
        """Frames that were dropped because they could not be understood."""
        self.lost: str | None = None
        """Why the supervisor can no longer be reached."""
        self._transport = transport
        self._on_message = on_message
        self._on_event = on_event
        self._on_net = on_net
        self._decoder = frames.FrameDecoder(FRAME_LIMIT)
        self._requests: dict[int, _Request] = {}
        self._serial = 0
        self._closing: asyncio.Task[None] | None = None
        self._reader = asyncio.create_task(self._read(), name="sandbox-link")

    async def send(self, kind: int, payload: bytes) -> None:
        """Send one frame. Raises `SandboxUnavailable` when the supervisor is gone."""
        await self._write(frames.encode(kind, payload))

    async def say(self, op: str, **fields: JsonValue) -> None:
        """Send a control frame that has no answer."""
        await self.send(frames.CONTROL, json.dumps({"op": op, **fields}).encode())

    async def request(self, op: str, *, room: int = 0, **fields: JsonValue) -> tuple[Event, bytes]:
        """Ask for something and wait: the reply, and the data that came with it (at most `room` bytes)."""
        number = self.new_id()
        return await self.ask(number, op, room=room, **fields)

    def new_id(self) -> int:
        """A request id, for data that goes before its request."""
        self._serial += 1
        return self._serial

    async def ask(self, number: int, op: str, *, room: int = 0, **fields: JsonValue) -> tuple[Event, bytes]:
        """`request` with an id from `new_id`."""
        request = _Request(asyncio.get_running_loop().create_future(), room=room)
        self._requests[number] = request
        try:
            await self.say(op, id=number, **fields)
            reply = await request.future
        finally:
            del self._requests[number]
        return reply, bytes(request.data)

    async def upload(self, number: int, data: bytes) -> None:
        """Send `data` as the DATA frames of a request."""
        for start in range(0, len(data), frames.CHUNK):
            await self._write(frames.encode_data(number, data[start : start + frames.CHUNK]))

    async def close(self, reason: str = "it was closed") -> None:
        """End the sandbox; may be called twice. Whoever waits may be cancelled: it ends all the same."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(reason), name="sandbox-close")
        await asyncio.shield(self._closing)

    async def _close(self, reason: str) -> None:
        self._lose(reason)
        try:
            await self._transport.close()
        finally:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader

    async def _write(self, data: bytes) -> None:
        if self.lost is not None:
            raise self._gone()
        try:
            await self._transport.write(data)
        except OSError as error:
            # The reader is about to learn why; its account is better than "broken pipe".
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._reader), 2)
            raise self._gone(str(error)) from error

    def _gone(self, otherwise: str = "") -> SandboxUnavailable:
        return SandboxUnavailable(f"the sandbox is gone: {self.lost or otherwise}")

    async def _read(self) -> None:
        try:
            while data := await self._transport.read():
                for kind, payload in self._decoder.feed(data):
                    self._dispatch(kind, payload)
                # A flood must not keep the event loop from everyone else.
                await asyncio.sleep(0)
        except OSError as error:
            self._lose(str(error))
        else:
            self._lose("it was closed" if self._closing else await self._transport.post_mortem())

    def _dispatch(self, kind: int, payload: bytes) -> None:
        try:
            if kind == frames.DATA:
                self._store(*frames.split_data(payload))
            elif kind == frames.CONTROL:
                self._control(json.loads(payload))
            elif kind == frames.NET:
                self._on_net(*frames.split_data(payload))
            elif frames.SHELL <= kind <= frames.KERNEL_CONTROL:
                self._on_message(kind, frames.unpack_parts(payload))
            else:
                self.malformed += 1
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
            # Whatever arrives is a hostile program's: it is dropped and counted, and never ends the reader.
            self.malformed += 1

    def _control(self, event: Event) -> None:
        if event["op"] != "reply":
            self._on_event(event)
            return
        number = event["id"]
        request = self._requests.get(number) if isinstance(number, int) else None
        if request and not request.future.done():
            request.future.set_result(event)

    def _store(self, number: int, piece: bytes) -> None:
        request = self._requests.get(number)
        if request and len(request.data) + len(piece) <= request.room:
            request.data += piece

    def _lose(self, reason: str) -> None:
        if self.lost is None:
            self.lost = reason
        for request in self._requests.values():
            if not request.future.done():
                request.future.set_exception(self._gone())
        self._on_event({"op": "lost", "reason": self.lost})
