"""Output that is bounded by keeping its head and its tail."""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class HeadTail(Generic[T]):
    """Takes items with a size in bytes; the first half of the cap goes out at once, the last half at the end.

    An item that `offer` returns False for is kept back (and may be dropped when newer ones come); `rest` gives what is
    left of them, in order.
    """

    def __init__(self, cap: int) -> None:
        self.dropped = 0
        self._head_left = cap - cap // 2
        self._tail_cap = cap // 2
        self._tail: deque[tuple[T, int]] = deque()
        self._tail_size = 0

    def offer(self, item: T, size: int) -> bool:
        """True: it belongs to the head, send it now."""
        if not self._tail and not self.dropped and size <= self._head_left:
            self._head_left -= size
            return True
        # Whatever follows a dropped or kept item must not overtake it.
        self._head_left = 0
        if size > self._tail_cap:
            self.dropped += size + self._tail_size
            self._tail.clear()
            self._tail_size = 0
            return False
        self._tail.append((item, size))
        self._tail_size += size
        while self._tail_size > self._tail_cap:
            gone = self._tail.popleft()[1]
            self._tail_size -= gone
            self.dropped += gone
        return False

    def rest(self) -> list[T]:
        """The items of the tail; afterwards it is empty."""
        items = [item for item, _ in self._tail]
        self._tail.clear()
        self._tail_size = 0
        return items


class CappedBytes:
    """Bytes that are written in pieces, of which at most `cap` are kept: head and tail."""

    _PIECE = 64 * 1024

    def __init__(self, cap: int) -> None:
        self._kept: HeadTail[bytes] = HeadTail(cap)
        self._head = bytearray()
        self._pending = bytearray()

    def write(self, data: bytes) -> None:
        # Few large pieces: a command that writes single bytes would otherwise cost an object for each.
        self._pending += data
        while len(self._pending) >= self._PIECE:
            self._push(bytes(self._pending[: self._PIECE]))
            del self._pending[: self._PIECE]

    def finish(self) -> tuple[bytes, bytes, int]:
        """Head, tail, and how many bytes between them were dropped."""
        if self._pending:
            self._push(bytes(self._pending))
            self._pending.clear()
        return bytes(self._head), b"".join(self._kept.rest()), self._kept.dropped

    def _push(self, piece: bytes) -> None:
        if self._kept.offer(piece, len(piece)):
            self._head += piece
