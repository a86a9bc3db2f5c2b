"""`ossia eval`: an eval, from its items to its figures."""

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ossia.agent import SamplingFields, runs_directory
from ossia.cli import _options as options
from ossia.cli._interruptible import run
from ossia.engine import Engine, open_engine
from ossia.errors import InfrastructureError
from ossia.evals import Eval, Results, Sample, Setup, find_eval, run_samples, summarize
from ossia.types import JsonValue


def evaluate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="nano-python, nano-functions or nano-browser.")],
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many items of each family.")] = None,
    families: Annotated[list[str] | None, typer.Option("--family", help="Only this family; may be repeated.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="JSON lines of the results; an eval that stopped goes on there.")
    ] = None,
    engine: options.Engine = None,
    sandbox: options.Sandbox = None,
    temperature: options.Temperature = None,
    seed: options.Seed = None,
    at_once: Annotated[int, typer.Option("--at-once", min=1, help="Items that are asked at the same time.")] = 4,
    misses: Annotated[int, typer.Option("--misses", min=0, help="How many of the wrong answers to show.")] = 0,
) -> None:
    """Ask an eval's items, and print what share is right, with 95 % intervals; the results stay in a file."""
    chosen = find_eval(name)
    samples = chosen.dataset().take(limit, tuple(families or ()))
    sampling: SamplingFields = {}
    if temperature is not None:
        sampling["temperature"] = temperature
    if seed is not None:
        sampling["seed"] = seed
    path = out or runs_directory() / "evals" / f"{name}.jsonl"
    results = run(_run(chosen, samples, engine, Asked(sampling, sandbox, at_once), path))
    _print(chosen, samples, results, misses)
    if lost := [sample for sample in samples if sample.id not in results.done or not results.done[sample.id].measures]:
        reason = results.done[lost[0].id].error if lost[0].id in results.done else "it was not asked"
        raise InfrastructureError(f"{len(lost)} of {len(samples)} items could not be scored: {reason}. Run it again.")


class Asked:
    """What the flags say of how to run it."""

    def __init__(self, sampling: SamplingFields, sandbox: str | None, at_once: int) -> None:
        self.sampling, self.sandbox, self.at_once = sampling, sandbox, at_once


async def _run(chosen: Eval, samples: Sequence[Sample], spec: str | None, asked: Asked, path: Path) -> Results:
    engine = await open_engine(spec or "nano")
    try:
        console = Console(stderr=True)
        with Results(path, _about(chosen, engine, asked)) as results:
            open_ = sum(sample.id not in results.done for sample in samples)
            console.print(f"{chosen.name}: {open_} of {len(samples)} items to ask, results in {path}", highlight=False)
            async with chosen.open(Setup(engine, asked.sampling, asked.sandbox)) as solve:
                await run_samples(samples, solve, results, at_once=asked.at_once)
        return results
    finally:
        await engine.aclose()


def _about(chosen: Eval, engine: Engine, asked: Asked) -> dict[str, JsonValue]:
    """What makes two results comparable, as the head of their file."""
    dataset = chosen.dataset()
    sampling = {**asdict(engine.info.default_sampling), **asked.sampling}
    return {
        "ossia": version("ossia"),
        "eval": chosen.name,
        "dataset": dataset.sha256,
        "engine": engine.info.spec,
        "model": engine.info.model,
        "sampling": sampling,
        "sandbox": asked.sandbox,
    }


def _print(chosen: Eval, samples: Sequence[Sample], results: Results, misses: int) -> None:
    verdicts = [results.done[sample.id] for sample in samples if sample.id in results.done]
    print("| family | measure | items | right | share (95 % interval) | chance |\n|---|---|---|---|---|---|")
    for line in summarize(verdicts):
        chance = chosen.chance(line.family, line.measure)
        guessed = "-" if chance is None else f"{chance:.1%}"
        print(f"| {line.family} | {line.measure} | {line.share.n} | {line.share.hits} | {line.share} | {guessed} |")
    asked = {sample.id: sample for sample in samples}
    for found in [found for found in verdicts if found.status == "incorrect"][:misses]:
        sample = asked[found.sample]
        print(f"\n{found.sample}: {sample.question}\n  expected {dict(sample.expected)}")
        print(f"  {found.outcome}: {found.final!r}, calls {list(found.calls)}")
