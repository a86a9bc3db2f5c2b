"""`ossia chat`: several turns in one session."""

import typer
from rich.console import Console

from ossia.agent import Session, save_files
from ossia.agent.task import plain_task
from ossia.cli import _options as options
from ossia.cli._interruptible import run
from ossia.cli._lines import stdin
from ossia.cli._turns import Progress, follow
from ossia.cli._view import View


def chat(
    files: options.InFiles = None,
    out: options.OutDirectory = None,
    engine: options.Engine = None,
    sandbox: options.Sandbox = None,
    effort: options.Effort = None,
    instructions: options.Instructions = None,
    seed: options.Seed = None,
    temperature: options.Temperature = None,
    steps: options.Steps = None,
    seconds: options.Seconds = None,
    quiet: options.Quiet = False,
) -> None:
    """Talk to an agent: the notebook's variables and files stay from turn to turn. End with Ctrl-D."""
    console = Console()
    progress = Progress(console, quiet=quiet)
    changes = options.sections(
        engine=engine,
        sandbox=sandbox,
        effort=effort,
        instructions=instructions,
        seed=seed,
        temperature=temperature,
        steps=steps,
        seconds=seconds,
    )
    agent = plain_task("chat", changes).agent(progress=progress)

    async def work() -> None:
        async with agent:
            progress.stop()
            async with agent.session() as session:
                await _talk(session, console, files or (), out, quiet=quiet)

    try:
        run(work())
    finally:
        progress.stop()


async def _talk(
    session: Session, console: Console, files: options.Paths, out: options.MaybePath, *, quiet: bool
) -> None:
    prompt = "> " if console.is_terminal else ""
    pending = files
    while (line := await stdin().read(prompt)) is not None:
        if not line.strip():
            continue
        view = View(console)
        result = await follow(session.stream(line, files=pending), None if quiet else view)
        pending = ()
        if quiet:
            console.print(result.final or f"[{result.outcome}]", markup=False, highlight=False)
        else:
            view.summary(result)
        for path in save_files(result.files, out) if out else ():
            console.print(f"wrote {path}", style="dim", highlight=False)
        if result.outcome == "infrastructure":
            raise typer.Exit(3)
