"""The journal: one file a run, one JSON event a line, written before a tool acts and after it has."""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pydantic import ValidationError

from ossia.agent.events import Event, TextDelta, from_json, to_json
from ossia.errors import InfrastructureError, UserError

SCHEMA = 1
"""Version of the journal's lines. It changes where an older ossia would misread a new journal, or a newer one an old
journal; a new field that has a default leaves it as it is. A journal of another version is refused."""

_HEADER = re.compile(rb'\{"type":"journal","schema":(\d{1,9})\}')


def runs_directory() -> Path:
    """Where journals lie: `$OSSIA_RUNS`, else `ossia/runs` below `$XDG_STATE_HOME` (`~/.local/state`)."""
    if configured := os.environ.get("OSSIA_RUNS"):
        return Path(configured)
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "ossia" / "runs"


def journal_path(run: str | Path, directory: Path | None = None) -> Path:
    """The journal of a run: a path that ends with `.jsonl` as it is, an id in `directory` or `runs_directory()`."""
    path = Path(run)
    return path if path.suffix == ".jsonl" else (directory or runs_directory()) / f"{run}.jsonl"


def new_run_id() -> str:
    """A name for a run that sorts by time, such as `20260131-142501-5f0c9a`."""
    return time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)


def digest(data: bytes) -> str:
    """The name of bytes: SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def blob_path(directory: Path, name: str) -> Path:
    """Where bytes of that name lie, for journals in `directory`."""
    return directory / "blobs" / name


class Journal:
    """The append-only journal of one run.

    Each line is on its way to the disk when `write` returns, so that it survives the death of the process; with
    `fsync=True` it survives the death of the machine. Raises `InfrastructureError` when the disk does not take it.
    """

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self.path = path
        self._fsync = fsync
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = open(path, "xb", buffering=0)  # noqa: SIM115 (closed by close)
            self._append(b'{"type":"journal","schema":%d}\n' % SCHEMA)
        except OSError as error:
            raise self._failed(error) from error

    @classmethod
    def reopen(cls, path: Path, *, fsync: bool = False) -> Self:
        """The journal of a run that was cut off, to go on with; a torn last line is taken away."""
        journal = cls.__new__(cls)
        journal.path, journal._fsync = path, fsync
        try:
            whole = path.read_bytes()
            journal._file = open(path, "r+b", buffering=0)  # noqa: SIM115 (closed by close)
            journal._file.truncate(whole.rfind(b"\n") + 1)
            journal._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise journal._failed(error) from error
        return journal

    def keep(self, data: bytes) -> str:
        """Store bytes beside the journals, once for all runs, and return their name."""
        name = digest(data)
        target = blob_path(self.path.parent, name)
        if target.exists():
            return name
        part = target.with_name(f"{name}.{os.getpid()}.{secrets.token_hex(4)}.part")
        try:
            target.parent.mkdir(exist_ok=True)
            part.write_bytes(data)
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise self._failed(error) from error
        return name

    def write(self, event: Event) -> None:
        """Append one event; deltas of text are left out, since the completion that follows holds them."""
        if isinstance(event, TextDelta):
            return
        try:
            self._append(to_json(event).encode() + b"\n")
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, line: bytes) -> None:
        view = memoryview(line)
        while view:
            view = view[self._file.write(view) :]
        if self._fsync:
            os.fsync(self._file.fileno())

    def _failed(self, error: OSError) -> InfrastructureError:
        return InfrastructureError(f"The journal {self.path} could not be written: {error.strerror or error}.")


def read_journal(path: Path) -> Iterator[Event]:
    """The events of a journal; a last line that was cut off by the death of its process is left out.

    Raises `UserError` when `path` is no journal, or one of a version that this ossia does not read.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(f"No journal can be read at {path}: {error.strerror or error}.") from error
    _check_version(path, lines[0])
    whole, _cut = lines[1:-1], lines[-1]
    for number, line in enumerate(whole, start=2):
        try:
            yield from_json(line)
        except ValidationError as error:
            raise UserError(f"{path}, line {number} is not an event of a journal.") from error


def _check_version(path: Path, line: bytes) -> None:
    """Raise `UserError` unless the first line of a file says that it is a journal of the version that is read here."""
    found = _HEADER.fullmatch(line)
    if found is None:
        raise UserError(f"{path} is no journal: it does not begin as one.")
    if int(found[1]) != SCHEMA:
        raise UserError(
            f"{path} is a journal of version {int(found[1])}, and this ossia reads version {SCHEMA}: "
            "read it with the ossia that wrote it."
        )
