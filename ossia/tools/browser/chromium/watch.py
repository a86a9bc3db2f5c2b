"""A bound on Chromium's memory where no container holds one."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_INTERVAL = 1.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


class MemoryWatch:
    """Kills the process of `pid_file` and all below it once they use more than `limit` bytes together."""

    def __init__(self, pid_file: Path, limit: int) -> None:
        self._pid_file = pid_file
        self._limit = limit
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch(int(self._pid_file.read_text())))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _watch(self, root: int) -> None:
        while True:
            await asyncio.sleep(_INTERVAL)
            pids = await asyncio.to_thread(tree, root)
            if await asyncio.to_thread(memory, pids) > self._limit:
                for pid in pids:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)


def tree(root: int) -> list[int]:
    """`root` and the processes below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def memory(pids: list[int]) -> int:
    """Bytes of memory that processes use together: what each has to itself, and the largest share once."""
    own = shared = 0
    for pid in pids:
        with suppress(OSError, ValueError):
            _, resident, common, *_ = map(int, Path(f"/proc/{pid}/statm").read_text().split())
            own += resident - common
            shared = max(shared, common)
    return (own + shared) * _PAGE
