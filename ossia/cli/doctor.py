"""`ossia doctor`: what this machine and an engine have for ossia, and what to do about what they lack."""

import asyncio
import json as jsonlib
import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ossia.cli._doctor import Finding, examine, exit_code
from ossia.cli._turns import Progress

_STYLES = {"ok": "green", "absent": "yellow", "unmeasured": "yellow", "wrong": "red", "failed": "red", "refused": "red"}


def doctor(
    engine: Annotated[str | None, typer.Argument(help="The engine; default: $OSSIA_ENGINE, else nano.")] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1.0, help="Most seconds of one probe.")] = 60.0,
    json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
) -> None:
    """Probe this machine and an engine, live: what was found, and what to do.

    Exit code 0: all that is needed works; 1: something works, but not as it should; 2: no such engine; 3: something
    that is needed does not work.
    """
    spec = engine or os.environ.get("OSSIA_ENGINE") or "nano"
    findings = asyncio.run(_examine(spec, seconds, quiet=json))
    if json:
        print(jsonlib.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    raise typer.Exit(exit_code(findings))


async def _examine(spec: str, seconds: float, *, quiet: bool) -> list[Finding]:
    """All findings; each is shown as soon as it is there, unless `quiet`."""
    findings = []
    console = Console(width=None if sys.stdout.isatty() else 160)
    progress = Progress(Console(stderr=True), quiet=quiet)
    try:
        async for finding in examine(spec, seconds, progress):
            progress.stop()
            findings.append(finding)
            if not quiet:
                console.print(_row(finding))
    finally:
        progress.stop()
    return findings


def _row(finding: Finding) -> Table:
    row = Table(show_header=False, box=None, pad_edge=False)
    row.add_column(width=20)
    row.add_column(width=10)
    row.add_column()
    found = finding.found + (f"\n{finding.advice}" if finding.advice else "")
    row.add_row(Text(finding.what, "bold"), Text(finding.state, _STYLES[finding.state]), Text(found))
    return row
