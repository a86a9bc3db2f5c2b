"""A session's one sandbox, opened when it is first needed, and the files that go in and come out."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from ossia.errors import SandboxUnavailable, UserError
from ossia.sandbox.protocol import FileInfo, Sandbox, SandboxInfo, SandboxNeeds, SandboxProvider

Files: TypeAlias = Mapping[str, bytes | str | Path] | Sequence[str | Path]
"""Files for the sandbox: paths on the host, or a mapping of names to bytes or paths."""

MAX_FILES_BYTES = 256 << 20
"""Most bytes of files that come back from one turn."""


@dataclass(slots=True)
class Workspace:
    """Opens the sandbox lazily and once; every tool of the session gets the same."""

    provider: SandboxProvider | None
    needs: SandboxNeeds | None
    on_open: Callable[[SandboxInfo, float], None]
    """Called with what was opened and the seconds that it took."""
    borrowed: Callable[[], Awaitable[Sandbox]] | None = None
    """Gives a sandbox that belongs to somebody else, and is used in place of an own one."""
    _sandbox: Sandbox | None = None
    _pending: dict[str, bytes] = field(default_factory=dict)
    _known: dict[str, FileInfo] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def info(self) -> SandboxInfo | None:
        """What was opened; None before."""
        return self._sandbox.info if self._sandbox else None

    async def sandbox(self) -> Sandbox:
        """The session's sandbox. Raises `SandboxUnavailable`."""
        async with self._lock:
            if self._sandbox is None:
                started = time.monotonic()
                self._sandbox = await (self.borrowed or self._open)()
                self.on_open(self._sandbox.info, time.monotonic() - started)
            pending, self._pending = self._pending, {}
            for path, data in pending.items():
                await self._sandbox.put(path, data)
            if pending:
                self._known |= {file.path: file for file in await self._sandbox.files() if file.path in pending}
        return self._sandbox

    async def _open(self) -> Sandbox:
        if self.provider is None or self.needs is None:
            raise SandboxUnavailable("No tool of this agent declared that it needs a sandbox.")
        return await self.provider.open(self.needs)

    def add(self, files: Mapping[str, bytes]) -> None:
        """Files to put into the working directory before the next tool acts. Raises `UserError` without a sandbox."""
        if files and self.needs is None:
            raise UserError("Files were given, but no tool of this agent has a sandbox to put them in: add Python().")
        self._pending |= files

    async def collect(self) -> tuple[dict[str, bytes], list[str]]:
        """The files that are new or changed since the last call, and notes on those that stay behind."""
        if self._sandbox is None:
            return {}, []
        found: dict[str, bytes] = {}
        notes: list[str] = []
        total = 0
        for file in await self._sandbox.files():
            if self._known.get(file.path) == file:
                continue
            self._known[file.path] = file
            total += file.size
            if total > MAX_FILES_BYTES:
                notes.append(f"{file.path} ({file.size:,} bytes) stayed in the sandbox: too much for one turn.")
                continue
            try:
                found[file.path] = await self._sandbox.get(file.path)
            except UserError as error:
                notes.append(f"{file.path} stayed in the sandbox: {error}")
        return found, notes

    async def close(self) -> None:
        """Stop the sandbox, if one was opened."""
        if self._sandbox is not None and self.borrowed is None:
            await self._sandbox.close()


def load_files(files: Files) -> dict[str, bytes]:
    """The bytes of the caller's files by their names in the sandbox.

    A list of paths puts each file under its own name; a mapping gives names to bytes, or to paths on the host. Raises
    `UserError` when a file can't be read, or two have one name.
    """
    if isinstance(files, Mapping):
        return {_inside(name): data if isinstance(data, bytes) else _read(Path(data)) for name, data in files.items()}
    loaded: dict[str, bytes] = {}
    for path in map(Path, files):
        if path.name in loaded:
            raise UserError(f"Two files are called {path.name}: give a mapping of names to paths.")
        loaded[path.name] = _read(path)
    return loaded


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"The file {path} can't be read: {error.strerror or error}.") from error


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise UserError(f"{name!r} is no name for a file in the sandbox: give a relative path without '..'.")
    return str(path)


def save_files(files: Mapping[str, bytes], directory: Path) -> list[Path]:
    """Write a result's files below `directory`, whose parents are made. Raises `UserError` where that fails.

    The names come from untrusted code: each is checked again, and links that lie in the way are not followed.
    """
    written = []
    for name, data in sorted(files.items()):
        target = directory.joinpath(*PurePosixPath(_inside(name)).parts)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.parent.resolve().is_relative_to(directory.resolve()):
                raise UserError(f"{target} would be written outside {directory}.")
            target.unlink(missing_ok=True)
            target.write_bytes(data)
        except OSError as error:
            raise UserError(f"{target} can't be written: {error.strerror or error}.") from error
        written.append(target)
    return written
