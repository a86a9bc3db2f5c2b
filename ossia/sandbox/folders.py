"""Temporary folders that are told, after a crash, from those still in use: whoever made one holds a lock on it."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIXES = ("ossia-chromium-", "ossia-local-")
"""How the names of such folders begin."""
_YOUNG = 60.0
"""Seconds for which a folder is left alone: its maker may not hold the lock yet."""


class HeldFolder:
    """A new temporary folder, ours until it is released or this process ends."""

    def __init__(self, prefix: str, parent: str | None = None) -> None:
        assert prefix in PREFIXES
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self._lock: int | None = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        # The system lets go of it when we die, however we die.
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def release(self) -> None:
        """Remove the folder with all that is in it; may be called twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def reap(parents: Iterable[Path] | None = None) -> list[str]:
    """Remove the folders whose maker has died, from `parents` or the temporary directories; their paths."""
    gone = []
    for folder in _candidates(parents or {Path("/tmp"), Path(tempfile.gettempdir())}):
        with suppress(OSError), _unheld(folder) as abandoned:
            if abandoned:
                shutil.rmtree(folder, ignore_errors=True)
                gone.append(str(folder))
    return [path for path in gone if not Path(path).exists()]


def _candidates(parents: Iterable[Path]) -> Iterator[Path]:
    for parent in parents:
        for prefix in PREFIXES:
            yield from parent.glob(f"{prefix}*")


@contextmanager
def _unheld(folder: Path) -> Iterator[bool]:
    """Whether nobody holds it, and nobody can begin to meanwhile. Raises `OSError` where we may not look at it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # The change of what is in it is the last sign of life of one from before there were locks.
        old = time.time() - os.fstat(descriptor).st_mtime > _YOUNG
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield old
    finally:
        os.close(descriptor)
