"""`ossia run`: one task, from the question to the answer."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
import yaml
from pydantic import JsonValue

from ossia import harmony
from ossia.agent import save_files
from ossia.agent.task import Task, load_task, plain_task
from ossia.cli import _options as options
from ossia.cli._carry_out import Talk, carry_out, print_answer
from ossia.cli._corpus import with_corpus
from ossia.cli._result import exit_code
from ossia.errors import UserError

TASK_SUFFIXES = (".yaml", ".yml")


def run(
    task: Annotated[str, typer.Argument(metavar="TASK-or-FILE.yaml", help="What the agent shall do, or a task file.")],
    inputs: Annotated[
        list[str] | None, typer.Option("--input", help="name=value of a task file's input; may be repeated.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("-c", help="section.key=value over the task file; may be repeated.")
    ] = None,
    corpus: Annotated[
        Path | None, typer.Option("--corpus", help="A folder of documents that the browser searches, not the web.")
    ] = None,
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the prompt and its token count; run nothing.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run a task: the model may use a Python notebook in a sandbox; its work is shown, then its answer."""
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
    if task.endswith(TASK_SUFFIXES):
        ready = load_task(task, inputs=_inputs(inputs or ()), overrides=overrides or (), changes=changes)
    elif inputs:
        raise UserError("--input belongs to a task file: give a FILE.yaml instead of a task.")
    else:
        ready = plain_task(task, changes, overrides=overrides or ())
    if corpus is not None:
        ready = with_corpus(ready, corpus)
    if dry_run:
        _show_prompt(ready)
        return
    talk = Talk(json, quiet)
    result = carry_out(ready, lambda agent: agent.stream(ready.text, files=[*ready.files, *(files or ())]), talk)
    directory = out or ready.output_directory
    saved = save_files(result.files, directory) if directory else []
    print_answer(result, talk)
    for path in saved if talk.whole else ():
        talk.console.print(f"wrote {path}", style="dim", highlight=False)
    unmet = ready.unmet(result)
    for sentence in unmet:
        typer.echo(f"expected otherwise: {sentence}", err=True)
    raise typer.Exit(exit_code(result) or bool(unmet))


def _show_prompt(task: Task) -> None:
    prompt = asyncio.run(task.agent().preview(task.text))
    print(harmony.encoding().decode(prompt))
    typer.echo(f"{len(prompt)} tokens", err=True)


def _inputs(pairs: Sequence[str]) -> dict[str, JsonValue]:
    """`name=value` pairs, the values in YAML, so that numbers are numbers."""
    values: dict[str, JsonValue] = {}
    for pair in pairs:
        name, separator, raw = pair.partition("=")
        if not separator or not name:
            raise UserError(f"The input {pair!r} has no form: write --input name=value.")
        try:
            values[name] = yaml.safe_load(raw)
        except yaml.YAMLError:
            values[name] = raw
    return values
