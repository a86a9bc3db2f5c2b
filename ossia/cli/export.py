"""`ossia export`: training data from recorded runs."""

import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ossia.agent import journal_path
from ossia.agent.export import Counted, Record, training_records
from ossia.errors import InfrastructureError


class ChannelOption(StrEnum):
    """A channel of the model's messages."""

    analysis = "analysis"
    commentary = "commentary"
    final = "final"


class OutcomeOption(StrEnum):
    """How a run ended."""

    final = "final"
    limit = "limit"
    loop = "loop"
    malformed = "malformed"
    invalid_output = "invalid_output"
    cancelled = "cancelled"
    infrastructure = "infrastructure"


def export(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs' ids, or the paths of their journals.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A file; default: stdout.")] = None,
    channel: Annotated[
        list[ChannelOption] | None, typer.Option("--channel", help="Only this channel counts; may be repeated.")
    ] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option(
            "--recipient", help="Only calls of this tool count (a glob; 'none': what calls nothing); may be repeated."
        ),
    ] = None,
    outcome: Annotated[
        list[OutcomeOption] | None, typer.Option("--outcome", help="Only runs that ended so; may be repeated.")
    ] = None,
) -> None:
    """Write training data: a line of JSON for each segment of a run, with its token ids and its loss mask."""
    counted = Counted([c.value for c in channel] if channel else None, recipient or None)
    outcomes = {o.value for o in outcome} if outcome else None
    lines = (
        record.to_json() + "\n" for record in _records(runs, counted) if not outcomes or record.outcome in outcomes
    )
    if out is None:
        sys.stdout.writelines(lines)
    else:
        _write(out, lines)


def _records(runs: Sequence[str], counted: Counted) -> Iterator[Record]:
    for run in runs:
        yield from training_records(journal_path(run), counted)


def _write(out: Path, lines: Iterator[str]) -> None:
    """All of it or nothing: a mistake in the last run leaves no half file."""
    part = out.with_name(f"{out.name}.part")
    try:
        try:
            with part.open("w", encoding="utf-8") as file:
                file.writelines(lines)
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise InfrastructureError(f"{out} could not be written: {error.strerror or error}.") from error
