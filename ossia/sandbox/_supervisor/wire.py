"""The supervisor's end of the frame stream."""

import json
import os
from collections.abc import Iterator

from . import frames


class Wire:
    """Frames on two file descriptors that no child ever inherits."""

    def __init__(self, read_fd: int, write_fd: int, limit: int) -> None:
        self.read_fd = read_fd
        self._write_fd = write_fd
        self._decoder = frames.FrameDecoder(limit)

    def receive(self) -> list[tuple[int, bytes]] | None:
        """The frames that can be read now; None: the host is gone."""
        data = os.read(self.read_fd, 1 << 16)
        return list(self._decoder.feed(data)) if data else None

    def send(self, kind: int, payload: bytes) -> None:
        self._write(frames.encode(kind, payload))

    def say(self, op: str, **fields: object) -> None:
        """Send a control frame."""
        self.send(frames.CONTROL, json.dumps({"op": op, **fields}).encode())

    def reply(self, request: int, **fields: object) -> None:
        """Send the one answer to a request of the host."""
        self.say("reply", id=request, **fields)

    def stream(self, request: int, data: bytes) -> None:
        """Send `data` as DATA frames of `request`."""
        for start in range(0, len(data), frames.CHUNK):
            self._write(frames.encode_data(request, data[start : start + frames.CHUNK]))

    def relay(self, connection: int, data: bytes) -> None:
        """Send a NET frame."""
        self._write(frames.encode_data(connection, data, frames.NET))

    def stream_all(self, request: int, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            self.stream(request, piece)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._write_fd, view) :]
