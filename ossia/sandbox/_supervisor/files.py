"""Files below the working directory, reached without following any link."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from . import frames

MAX_PATH = 1024
MAX_LISTED = 10_000


class Refused(Exception):
    """Why a file was not moved; the host shows the text."""


class Tree:
    """The working directory."""

    def __init__(self, root: str) -> None:
        self._root = root

    def open_write(self, path: str, mode: int = 0o600) -> BinaryIO:
        """A regular file to write, with the directories above it."""
        return os.fdopen(self._open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb")

    def make_folder(self, path: str) -> None:
        """A directory, with those above it."""
        os.close(self._walk(_parts(path), make=True))

    def link(self, path: str, target: str) -> None:
        """A symbolic link in the place of whatever file is there; where it leads is its reader's affair."""
        parts = _parts(path)
        parent = self._walk(parts[:-1], make=True)
        try:
            with suppress(FileNotFoundError):
                os.unlink(parts[-1], dir_fd=parent)
            os.symlink(target, parts[-1], dir_fd=parent)
        finally:
            os.close(parent)

    def open_read(self, path: str, limit: int) -> BinaryIO:
        """A regular file of at most `limit` bytes to read."""
        file = os.fdopen(self._open(path, os.O_RDONLY), "rb")
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            file.close()
            raise Refused(f"{path} has {size:,} bytes, the limit is {limit:,}")
        return file

    def remove(self, path: str) -> None:
        parts = _parts(path)
        parent = self._walk(parts[:-1], make=False)
        try:
            os.unlink(parts[-1], dir_fd=parent)
        finally:
            os.close(parent)

    def listing(self) -> Iterator[tuple[str, int, float]]:
        """Relative path, size in bytes and modification time of each regular file, at most `MAX_LISTED`."""
        left = MAX_LISTED
        for directory, names, files, fd in os.fwalk(self._root, follow_symlinks=False):
            names.sort()
            below = os.path.relpath(directory, self._root)
            for name in sorted(files):
                try:
                    info = os.stat(name, dir_fd=fd, follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISREG(info.st_mode):
                    if not left:
                        return
                    left -= 1
                    path = name if below == "." else f"{below}/{name}"
                    # A name that is not UTF-8 cannot be asked for by a frame; it is shown all the same.
                    yield path.encode("utf-8", "replace").decode(), info.st_size, info.st_mtime

    def _open(self, path: str, flags: int, mode: int = 0o600) -> int:
        parts = _parts(path)
        parent = self._walk(parts[:-1], make=bool(flags & os.O_CREAT))
        try:
            # O_NONBLOCK: a FIFO that someone planted must not hold us.
            fd = os.open(parts[-1], flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode, dir_fd=parent)
        finally:
            os.close(parent)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise Refused(f"{path} is not a regular file")
        return fd

    def _walk(self, parts: list[str], *, make: bool) -> int:
        fd = os.open(self._root, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
        for part in parts:
            try:
                if make:
                    _mkdir(part, fd)
                below = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            finally:
                os.close(fd)
            fd = below
        return fd


def empty(folder: str) -> None:
    """Remove what is in `folder`, as far as that can be done."""
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            with suppress(OSError):
                os.unlink(entry.path)


def explain(error: Exception) -> str:
    """One sentence for what went wrong with a file."""
    return f"{error.strerror or error}" if isinstance(error, OSError) else str(error)


def pieces(file: BinaryIO, limit: int) -> Iterator[bytes]:
    """The content of `file` in pieces, at most `limit` bytes: it may grow while it is read."""
    while limit > 0 and (piece := file.read(min(frames.CHUNK, limit))):
        limit -= len(piece)
        yield piece


def _mkdir(name: str, parent: int) -> None:
    # If what is there is no directory, opening it says so.
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)


def _parts(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or path.startswith("/") or "\0" in path or len(path.encode()) > MAX_PATH:
        raise Refused(f"{path!r:.200} is not a path below the working directory")
    return parts
