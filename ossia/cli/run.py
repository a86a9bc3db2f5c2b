"""`ossia run`: one task, from the question to the answer."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from ossia.agent import Agent, Limits, RunResult, save_files
from ossia.cli import _options as options
from ossia.cli._result import exit_code, to_json
from ossia.cli._turns import Progress, follow
from ossia.cli._view import View
from ossia.errors import UserError
from ossia.tools import Python


def run(
    task: Annotated[str, typer.Argument(help="What the agent shall do.")],
    files: options.InFiles = None,
    out: options.OutDirectory = None,
    engine: options.Engine = None,
    sandbox: options.Sandbox = None,
    effort: options.Effort = options.EffortOption.medium,
    instructions: options.Instructions = None,
    seed: options.Seed = None,
    temperature: options.Temperature = None,
    steps: options.Steps = 50,
    seconds: options.Seconds = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run a task: the model may use a Python notebook in a sandbox; its work is shown, then its answer."""
    if not task.strip():
        raise UserError("The task is empty: say what the agent shall do.")
    console = Console(stderr=json or quiet)
    agent = Agent(
        engine=engine,
        tools=[Python()],
        instructions=instructions,
        effort=effort.value,
        sandbox=sandbox,
        limits=Limits(steps=steps, seconds=seconds),
        sampling=options.sampling(seed, temperature),
        progress=(progress := Progress(console, quiet=quiet or json)),
    )

    async def work() -> RunResult:
        async with agent:
            progress.stop()
            view = None if quiet or json else View(console)
            result = await follow(agent.stream(task, files=files or ()), view)
            if view:
                view.summary(result)
            return result

    try:
        result = asyncio.run(work())
    finally:
        progress.stop()
    saved = save_files(result.files, out) if out else []
    if json:
        print(to_json(result))
    elif quiet:
        print(result.final if result.final is not None else f"[{result.outcome}]")
    else:
        for path in saved:
            console.print(f"wrote {path}", style="dim", highlight=False)
    raise typer.Exit(exit_code(result))
