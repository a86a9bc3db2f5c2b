"""Bringing a fresh sandbox to where another one was: its cells and commands run again, their outputs compared."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ossia.sandbox.protocol import CellResult, Display, ExecResult, Sandbox, Stream


@dataclass(frozen=True, slots=True)
class RecordedCell:
    """A cell as it was run."""

    code: str
    digest: str
    """`digest` of its result."""
    timeout: float = 120.0


@dataclass(frozen=True, slots=True)
class RecordedCommand:
    """A command as it was run."""

    argv: tuple[str, ...]
    digest: str
    """`digest` of its result."""
    stdin: bytes = b""
    cwd: str | None = None
    timeout: float = 120.0
    merge_stderr: bool = False


Recorded = RecordedCell | RecordedCommand


@dataclass(frozen=True, slots=True)
class Divergence:
    """A step that gave another output when it was run again."""

    index: int
    """Position among the recorded steps."""
    step: Recorded
    result: CellResult | ExecResult
    """What it gave this time."""


def digest(result: CellResult | ExecResult) -> str:
    """A hash of what a cell or command did: status and outputs, not the time it took."""
    if isinstance(result, ExecResult):
        told: list[object] = [result.status, result.code, result.stdout, result.stderr]
    else:
        told = [result.status, *(_told(output) for output in result.outputs)]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()


async def replay(sandbox: Sandbox, steps: Iterable[Recorded]) -> Sequence[Divergence]:
    """Run `steps` in order in a fresh sandbox; those whose outputs differ. Files must have been put in before.

    Raises `SandboxUnavailable` as the sandbox does.
    """
    differing = []
    for index, step in enumerate(steps):
        result = await _run(sandbox, step)
        if digest(result) != step.digest:
            differing.append(Divergence(index, step, result))
    return differing


async def _run(sandbox: Sandbox, step: Recorded) -> CellResult | ExecResult:
    if isinstance(step, RecordedCell):
        return await sandbox.execute(step.code, timeout=step.timeout)
    return await sandbox.exec(
        step.argv, stdin=step.stdin, cwd=step.cwd, timeout=step.timeout, merge_stderr=step.merge_stderr
    )


def _told(output: object) -> list[object]:
    """An output as JSON values; images by their hash."""
    if isinstance(output, Stream):
        return ["stream", output.name, output.text]
    if isinstance(output, Display):
        shown = {k: hashlib.sha256(v).hexdigest() if isinstance(v, bytes) else v for k, v in output.data.items()}
        return ["display", output.result, shown]
    return ["error", str(output)]
