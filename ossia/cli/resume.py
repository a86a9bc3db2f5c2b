"""`ossia resume` and `ossia fork`: going on with a recorded run."""

from typing import Annotated

import typer

from ossia.agent import RunStarted, journal_path, read_journal
from ossia.agent.task import Task, recorded_task
from ossia.cli import _options as options
from ossia.cli._carry_out import Talk, carry_out, print_answer
from ossia.cli._result import exit_code
from ossia.errors import UserError

Run = Annotated[str, typer.Argument(help="A run's id, or the path of its journal.")]


def resume(run: Run, json: options.Json = False, quiet: options.Quiet = False) -> None:
    """Go on with a run that died, failed or met a limit: a new sandbox runs its cells again, then the model goes on."""
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
    talk = Talk(json, quiet)
    result = carry_out(_task(run), lambda agent: agent.stream_resumed(run, fork_at=fork_at), talk)
    print_answer(result, talk)
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
