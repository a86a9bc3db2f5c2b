"""Frames, the one thing that host and supervisor say to each other: u32 length, u8 kind, payload (big endian)."""

import struct
from collections.abc import Iterator, Sequence

CONTROL = 0
"""A JSON object with the key `op`."""
SHELL, IOPUB, STDIN, KERNEL_CONTROL = 1, 2, 3, 4
"""A Jupyter message of that channel: u16 count, then for each part u32 length and its bytes."""
DATA = 5
"""A piece of a file or of a command's output: u32 request id, then bytes."""

NET = 6
"""A piece of a connection that the egress proxy relays: u32 connection id, then bytes."""

CHUNK = 256 * 1024
"""Size of the pieces that files are cut into, in bytes."""

_HEADER = struct.Struct(">IB")
_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")


class FrameError(ValueError):
    """A frame's payload does not have the form that its kind demands."""


def encode(kind: int, payload: bytes) -> bytes:
    """One frame as bytes."""
    return _HEADER.pack(len(payload), kind) + payload


def encode_data(number: int, piece: bytes, kind: int = DATA) -> bytes:
    """A DATA (or NET) frame that belongs to the request (or connection) `number`."""
    return encode(kind, data_payload(number, piece))


def data_payload(number: int, piece: bytes) -> bytes:
    """The payload of a DATA or NET frame."""
    return _U32.pack(number) + piece


def split_data(payload: bytes) -> tuple[int, bytes]:
    """The id and the bytes of a DATA or NET payload. Raises `FrameError`."""
    if len(payload) < _U32.size:
        raise FrameError("data frame without an id")
    return _U32.unpack_from(payload)[0], payload[_U32.size :]


def pack_parts(parts: Sequence[bytes]) -> bytes:
    """The parts of a multipart message as one payload."""
    pieces = [_U16.pack(len(parts))]
    for part in parts:
        pieces += (_U32.pack(len(part)), part)
    return b"".join(pieces)


def unpack_parts(payload: bytes) -> list[bytes]:
    """The parts of a payload that `pack_parts` made. Raises `FrameError`."""
    parts = []
    try:
        (count,) = _U16.unpack_from(payload)
        offset = _U16.size
        for _ in range(count):
            (size,) = _U32.unpack_from(payload, offset)
            offset += _U32.size
            if offset + size > len(payload):
                raise FrameError("a part is longer than its frame")
            parts.append(payload[offset : offset + size])
            offset += size
    except struct.error as error:
        raise FrameError("a multipart frame is cut short") from error
    if offset != len(payload):
        raise FrameError("bytes after the last part")
    return parts


class FrameDecoder:
    """Cuts a byte stream into frames, however it arrives.

    A frame above `limit` bytes is passed over without being held in memory and counted in `skipped`: a stream can go on
    after it, because its length is known.
    """

    def __init__(self, limit: int) -> None:
        self.skipped = 0
        self._limit = limit
        self._buffer = bytearray()
        self._passing = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (kind, payload) of each frame that `data` completes."""
        if self._passing:
            passed = min(self._passing, len(data))
            self._passing -= passed
            data = data[passed:]
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= _HEADER.size:
            size, kind = _HEADER.unpack_from(self._buffer, start)
            body = start + _HEADER.size
            if size > self._limit:
                held = min(size, len(self._buffer) - body)
                self._passing = size - held
                self.skipped += 1
                start = body + held
                continue
            if len(self._buffer) - body < size:
                break
            payload = bytes(memoryview(self._buffer)[body : body + size])
            start = body + size
            yield kind, payload
        if start:
            del self._buffer[:start]
