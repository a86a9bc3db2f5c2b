"""`ossia resume` and `ossia fork`: going on with a recorded run."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from ossia.agent import RunResult, RunStarted, journal_path, read_journal
from ossia.agent.task import Task, recorded_task
from ossia.cli import _options as options
from ossia.cli._approve import ask
from ossia.cli._result import exit_code, to_json
from ossia.cli._turns import Progress, follow
from ossia.cli._view import View
from ossia.errors import UserError

Run = Annotated[str, typer.Argument(help="A run's id, or the path of its journal.")]


def resume(run: Run, json: options.Json = False, quiet: options.Quiet = False) -> None:
    """Go on with a run whose process died: a fresh sandbox runs its cells again, then the model goes on."""
    _go_on(run, None, json=json, quiet=quiet)


def fork(
    run: Run,
    at: Annotated[int, typer.Option("--at", min=1, help="The last step that both have, counted from 1.")],
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a new run that shares the first steps of another, token for token."""
    _go_on(run, at, json=json, quiet=quiet)


def _go_on(run: str, fork_at: int | None, *, json: bool, quiet: bool) -> None:
    task = _task(run)
    console = Console(stderr=json or quiet)
    progress = Progress(console, quiet=json or quiet)
    agent = task.agent(progress=progress, approve=ask if console.is_terminal and not (json or quiet) else None)

    async def work() -> RunResult:
        async with agent:
            progress.stop()
            view = None if json or quiet else View(console)
            result = await follow(agent.stream_resumed(run, fork_at=fork_at), view)
            if view:
                view.summary(result)
            return result

    try:
        result = asyncio.run(work())
    finally:
        progress.stop()
    if json:
        print(to_json(result))
    elif quiet:
        print(result.final if result.final is not None else f"[{result.outcome}]")
    raise typer.Exit(exit_code(result))


def _task(run: str) -> Task:
    """The task that a run was made from. Raises `UserError` where it was made by Python code."""
    path = journal_path(run)
    started = next(iter(read_journal(path)), None)
    if not isinstance(started, RunStarted):
        raise UserError(f"{path} holds no run: its process died before it began.")
    if started.task is None:
        raise UserError(f"The run {path.stem} was made by Python code: go on with it there, by agent.resume(...).")
    return recorded_task(started.task)
