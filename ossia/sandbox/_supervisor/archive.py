"""The working directory as one tar archive, and back. Packed and unpacked inside only, under the sandbox's limits.

tarfile is imported where it is used: every start would pay for it.
"""

import io
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from . import files

if TYPE_CHECKING:
    from tarfile import TarFile, TarInfo


def pack(root: str, limit: int, write: Callable[[bytes], None]) -> None:
    """Write a tar archive of the directories, regular files and links below `root`, of at most `limit` bytes."""
    import tarfile

    with tarfile.open(fileobj=_Sink(limit, write), mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path in _walk(root):
            tar.add(path, arcname=os.path.relpath(path, root), recursive=False)


class _Sink(io.RawIOBase):
    """A file that hands on what is written to it."""

    def __init__(self, limit: int, write: Callable[[bytes], None]) -> None:
        self._limit = limit
        self._left = limit
        self._pass_on = write

    def write(self, data: Any) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise files.Refused(f"the working directory holds more than {self._limit:,} bytes")
        self._pass_on(bytes(data))
        return len(data)


def unpack(packed: bytes | bytearray, root: str) -> None:
    """Unpack below `root`; nothing lands outside of it, no device is made."""
    import tarfile

    tree = files.Tree(root)
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as tar:
            for member in tar:
                _unpack_one(tree, tar, member)
    except tarfile.TarError as error:
        raise files.Refused(f"the snapshot cannot be unpacked: {error}") from error


def _unpack_one(tree: files.Tree, tar: "TarFile", member: "TarInfo") -> None:
    # Not `extractall`: its filters are missing in older Pythons, and the walk that follows no link is here already.
    if member.isdir():
        tree.make_folder(member.name)
    elif member.issym():
        tree.link(member.name, member.linkname)
    elif source := tar.extractfile(member):
        with source, tree.open_write(member.name, member.mode & 0o777) as target:
            shutil.copyfileobj(source, target)


def _walk(root: str) -> Iterator[str]:
    for directory, names, found in os.walk(root):
        names.sort()
        for name in sorted(names + found):
            path = os.path.join(directory, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
                yield path
