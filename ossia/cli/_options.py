"""The options that several verbs share."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Paths: TypeAlias = Sequence[Path]
MaybePath: TypeAlias = Path | None


class EffortOption(StrEnum):
    """How long the model shall think."""

    low = "low"
    medium = "medium"
    high = "high"


Engine: TypeAlias = Annotated[
    str | None, typer.Option("--engine", "-e", help="Engine spec; default: $OSSIA_ENGINE, else nano.")
]
Sandbox: TypeAlias = Annotated[
    str | None, typer.Option("--sandbox", help="docker, bubblewrap or unsafe-local; default: the first that is safe.")
]
Effort: TypeAlias = Annotated[
    EffortOption | None, typer.Option("--effort", help="How long the model shall think; default: medium.")
]
Seed: TypeAlias = Annotated[int | None, typer.Option("--seed", help="Seed of the sampling.")]
Temperature: TypeAlias = Annotated[
    float | None, typer.Option("--temperature", min=0.0, help="0 is greedy; default: the engine's own.")
]
Instructions: TypeAlias = Annotated[str | None, typer.Option("--instructions", "-i", help="Developer instructions.")]
Steps: TypeAlias = Annotated[
    int | None, typer.Option("--steps", min=1, help="Most completions of a turn; default: 50.")
]
Seconds: TypeAlias = Annotated[float | None, typer.Option("--seconds", help="Most seconds of a turn.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Only the final answer.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object, the result, on stdout.")]
InFiles: TypeAlias = Annotated[
    list[Path] | None, typer.Option("--file", "-f", help="A file for /mnt/data; may be repeated.")
]
OutDirectory: TypeAlias = Annotated[
    Path | None, typer.Option("--out", "-o", help="Directory for the files that the run leaves in /mnt/data.")
]


def sections(
    *,
    engine: str | None,
    sandbox: str | None,
    effort: EffortOption | None,
    instructions: str | None,
    seed: int | None,
    temperature: float | None,
    steps: int | None,
    seconds: float | None,
) -> dict[str, object]:
    """The flags that were given, as sections of a task."""
    flags: dict[str, dict[str, object]] = {
        "engine": {"spec": engine, "sampling": _given({"seed": seed, "temperature": temperature})},
        "agent": {"effort": effort.value if effort else None, "instructions": instructions},
        "sandbox": {"provider": sandbox},
        "limits": {"steps": steps, "seconds": seconds},
    }
    return _given({name: _given(section) for name, section in flags.items()})


def _given(values: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value not in (None, {})}
