"""The options that several verbs share."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ossia.agent import SamplingFields

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
Effort: TypeAlias = Annotated[EffortOption, typer.Option("--effort", help="How long the model shall think.")]
Seed: TypeAlias = Annotated[int | None, typer.Option("--seed", help="Seed of the sampling.")]
Temperature: TypeAlias = Annotated[
    float | None, typer.Option("--temperature", min=0.0, help="0 is greedy; default: the engine's own.")
]
Instructions: TypeAlias = Annotated[str | None, typer.Option("--instructions", "-i", help="Developer instructions.")]
Steps: TypeAlias = Annotated[int, typer.Option("--steps", min=1, help="Most completions of a turn.")]
Seconds: TypeAlias = Annotated[float | None, typer.Option("--seconds", help="Most seconds of a turn.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Only the final answer.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object, the result, on stdout.")]
InFiles: TypeAlias = Annotated[
    list[Path] | None, typer.Option("--file", "-f", help="A file for /mnt/data; may be repeated.")
]
OutDirectory: TypeAlias = Annotated[
    Path | None, typer.Option("--out", "-o", help="Directory for the files that the run leaves in /mnt/data.")
]


def sampling(seed: int | None, temperature: float | None) -> SamplingFields:
    """The fields that the user gave; the engine's own hold for the rest."""
    fields: SamplingFields = {}
    if seed is not None:
        fields["seed"] = seed
    if temperature is not None:
        fields["temperature"] = temperature
    return fields
