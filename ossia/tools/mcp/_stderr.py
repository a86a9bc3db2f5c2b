"""What a server writes to stderr: its last words are what explains a failure."""

import asyncio
import os
from contextlib import suppress
from typing import TextIO

_KEPT_BYTES = 8_192


class ServerLog:
    """The end of a server's stderr, read while it runs, so that a talkative server neither blocks nor fills a disk."""

    def __init__(self) -> None:
        self._read_end, write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self.file: TextIO = os.fdopen(write_end, "w")
        """What the server gets as its stderr; closed here once it has it."""
        self.ended = False
        """True once nobody can write any more: the server and all that it started are gone."""
        self._tail = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._read_end, self._read)

    @property
    def tail(self) -> str:
        """The last lines, for an error message."""
        lines = self._tail.decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-20:])

    def close(self) -> None:
        """Stop reading. May be called twice."""
        self.file.close()
        if self._read_end >= 0:
            self._read()  # what came last
            self._loop.remove_reader(self._read_end)
            os.close(self._read_end)
            self._read_end = -1

    def _read(self) -> None:
        with suppress(BlockingIOError):
            data = os.read(self._read_end, 65_536)
            if not data:
                self.ended = True
                self._loop.remove_reader(self._read_end)
            self._tail = (self._tail + data)[-_KEPT_BYTES:]
