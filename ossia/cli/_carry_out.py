"""Carrying out a task in a terminal: the agent opened, the turn followed, the result told."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from ossia.agent import Agent, RunResult, RunStream
from ossia.agent.task import Task
from ossia.cli._approve import ask
from ossia.cli._interruptible import run
from ossia.cli._result import to_json
from ossia.cli._turns import Progress, follow
from ossia.cli._view import View


@dataclass(frozen=True, slots=True)
class Talk:
    """How much is said: the whole work, the answer only, or one JSON object."""

    json: bool
    quiet: bool

    @property
    def whole(self) -> bool:
        return not (self.json or self.quiet)

    @property
    def console(self) -> Console:
        """Where the work is shown; stdout stays free for the answer where that is all that is wanted."""
        return Console(stderr=not self.whole)


def carry_out(task: Task, start: Callable[[Agent], RunStream], talk: Talk) -> RunResult:
    """Open the task's agent, follow the turn that `start` begins, and say how it went."""
    console = talk.console
    progress = Progress(console, quiet=not talk.whole)
    agent = task.agent(progress=progress, approve=ask if talk.whole and console.is_terminal else None)

    async def work() -> RunResult:
        async with agent:
            progress.stop()
            view = View(console) if talk.whole else None
            result = await follow(start(agent), view)
            if view:
                view.summary(result)
            return result

    try:
        return run(work())
    finally:
        progress.stop()


def print_answer(result: RunResult, talk: Talk) -> None:
    """The result on stdout, where it was not shown already."""
    if talk.json:
        print(to_json(result))
    elif talk.quiet:
        print(result.final if result.final is not None else f"[{result.outcome}]")
