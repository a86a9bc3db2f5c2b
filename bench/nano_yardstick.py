"""nano on its frozen yardstick: `nano-python`, `nano-functions` and `nano-browser`, end to end.

    python -m bench.nano_yardstick [--core RUN/core.safetensors] [--limit 400] [--sandbox docker] [--results DIR]

Greedy, through the agent, its tools and a sandbox. Results stay in DIR as JSON lines: the same command goes on where it
stopped; with other weights it refuses. The figures are those of a model that was chosen by its development rows;
nothing is to be chosen by these.
"""

import argparse
import asyncio
from pathlib import Path

from bench.report import machine
from nano.weights import open_core, weights_hash
from ossia.engine import Engine
from ossia.evals import EVALS, Eval, Results, Setup, run_samples, summarize


async def measure(chosen: Eval, engine: Engine, a: argparse.Namespace) -> list[str]:
    """The rows of the table for one eval."""
    dataset = chosen.dataset()
    samples = dataset.take(a.limit)
    about = {"eval": chosen.name, "dataset": dataset.sha256, "weights": weights_hash(a.core)}
    about |= {"sandbox": a.sandbox, "temperature": a.temperature}
    with Results(a.results / f"{chosen.name}.jsonl", about) as results:
        async with chosen.open(Setup(engine, {"temperature": a.temperature}, a.sandbox)) as solve:
            await run_samples(samples, solve, results, at_once=a.at_once)
        wanted = [results.done[sample.id] for sample in samples]
    rows = []
    for line in summarize(wanted):
        chance = chosen.chance(line.family, line.measure)
        low, high = line.share.interval
        right = f"{line.share.hits} of {line.share.n} | {line.share.value:.1%} | {low:.1%} to {high:.1%}"
        guessed = "-" if chance is None else f"{chance:.1%}"
        rows.append(f"| {chosen.name} | {line.family} | {line.measure} | {right} | {guessed} |")
    return rows


async def measure_all(a: argparse.Namespace) -> None:
    engine = open_core(a.core)
    try:
        print(machine())
        print(f"{engine.info.model}, temperature {a.temperature:g}, sandbox {a.sandbox}\n")
        print("| eval | family | measure | right | share | 95 % interval | chance |\n|---|---|---|---|---|---|---|")
        for name in a.evals:
            print("\n".join(await measure(EVALS[name], engine, a)), flush=True)
    finally:
        await engine.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", type=Path, help="weights of a run; default: those that ship")
    parser.add_argument("--limit", type=int, help="at most so many items of each family; default: all 400")
    parser.add_argument("--evals", nargs="+", choices=list(EVALS), default=list(EVALS))
    parser.add_argument("--sandbox", default="docker")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--results", type=Path, default=Path("runs") / "yardstick")
    asyncio.run(measure_all(parser.parse_args()))


if __name__ == "__main__":
    main()
