"""Lines from stdin, waited for by the event loop.

A thread that waits in `input()` can keep the interpreter from ending after a Ctrl-C: about once in three hundred times.
"""

import asyncio
import os
import sys
from functools import cache


class Lines:
    """What comes from a file descriptor, line by line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""
        self._turn = asyncio.Lock()

    async def read(self, prompt: str = "") -> str | None:
        """Show the prompt; the next line without its end, or None where there is no more (Ctrl-D)."""
        async with self._turn:
            print(prompt, end="", flush=True)
            while b"\n" not in self._rest:
                piece = await self._piece()
                if not piece:
                    line, self._rest = self._rest, b""
                    return line.decode(errors="replace") if line else None
                self._rest += piece
            line, _, self._rest = self._rest.partition(b"\n")
            return line.decode(errors="replace").removesuffix("\r")

    async def _piece(self) -> bytes:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        try:
            loop.add_reader(self._descriptor, ready.set)
        except PermissionError:  # a regular file, which is always ready
            return os.read(self._descriptor, 65536)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._descriptor)
        return os.read(self._descriptor, 65536)


@cache
def stdin() -> Lines:
    """Those of this process's stdin; what was read ahead is kept."""
    return Lines(sys.stdin.fileno())
