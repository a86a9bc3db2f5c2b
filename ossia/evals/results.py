"""Results as JSON lines: written one by one, read again to go on where an eval stopped."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from ossia.errors import UserError
from ossia.evals.verdict import Verdict
from ossia.types import JsonValue


class Results:
    """A file of verdicts. Its first line says what was measured; a file of something else is refused.

    A verdict is on disk before the next one is asked for. Samples whose status is `infrastructure` are asked again when
    the file is opened anew, and a last line that was cut off is dropped.
    """

    def __init__(self, path: Path, about: Mapping[str, JsonValue]) -> None:
        """`about`: what must be the same to go on: the dataset's hash, the engine, the sampling. Raises `UserError`."""
        self.path = path
        self.done: dict[str, Verdict] = {}
        about = json.loads(json.dumps(about))
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = list(_whole_lines(path))
        if whole:
            _check(path, json.loads(whole[0]), about)
        for line in whole[1:]:
            found = _verdict(path, line)
            self.done[found.sample] = found
        self.done = {name: found for name, found in self.done.items() if found.status != "infrastructure"}
        lines = [json.dumps(about, ensure_ascii=False), *(_line(found) for found in self.done.values())]
        partial = path.with_suffix(path.suffix + ".partial")
        partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        partial.replace(path)
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, found: Verdict) -> None:
        """Keep a verdict."""
        self._file.write(_line(found) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.done[found.sample] = found


def _whole_lines(path: Path) -> Iterator[str]:
    if path.exists():
        yield from (line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n"))


def _check(path: Path, found: Mapping[str, JsonValue], about: Mapping[str, JsonValue]) -> None:
    for name in {**found, **about}:
        if found.get(name) != about.get(name):
            raise UserError(
                f"{path} holds results with {name} = {found.get(name)!r}, not {about.get(name)!r}: "
                "give another file, or the same settings."
            )


def _verdict(path: Path, line: str) -> Verdict:
    try:
        row = json.loads(line)
        return Verdict(**{**row, "calls": tuple(row["calls"])})
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(f"{path} has a line that is no verdict: {error}") from error


def _line(found: Verdict) -> str:
    return json.dumps(asdict(found), ensure_ascii=False)
