"""nano on random prompts: every run has an outcome, and a short one.

    python -m bench.nano_random [--n 2000] [--temperature 1] [--sandbox docker] [--core RUN/core.safetensors]
                                [--results FILE]

A prompt is a mix of words, numbers, signs, code and odd characters, or a piece of the frozen yardstick that was cut
off. What nano answers does not matter here; that it ends does. Results stay in FILE as JSON lines: the same command
goes on where it stopped.
"""

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import count, islice
from pathlib import Path

from bench.report import machine, spread
from nano.vocabulary import word
from nano.weights import open_core, weights_hash
from ossia import Agent, Python
from ossia.evals import Results, Sample, Verdict, find_eval, run_samples, verdict
from ossia.evals.nano._common import LIMITS

_ODD = (
    "()",
    "((",
    "=",
    "%%",
    "print(",
    "```",
    "\n\n",
    "?!",
    "…",
    "日本",
    "🙂",
    "<|",
    "1e9",
    "-",
    "'",
    '"',
    "{}",
    "/mnt/data",
)


def prompts(n: int) -> list[str]:
    """`n` prompts, the same each time; none is blank, which an agent refuses."""
    rng = random.Random(7)
    asked = [sample.question for sample in find_eval("nano-python").dataset().samples]
    drawn = (_cut(rng, rng.choice(asked)) if rng.random() < 0.3 else _mixed(rng) for _ in count())
    return list(islice((text for text in drawn if text.strip()), n))


def _cut(rng: random.Random, text: str) -> str:
    return text[: rng.randint(1, len(text))]


def _mixed(rng: random.Random) -> str:
    parts = [
        rng.choice((word(rng), word(rng), str(rng.randint(0, 10 ** rng.randint(1, 30))), rng.choice(_ODD)))
        for _ in range(rng.randint(1, 25))
    ]
    return rng.choice(("", " ", " ")).join(parts)


async def run_all(a: argparse.Namespace) -> list[Verdict]:
    about = {
        "eval": "random prompts",
        "weights": weights_hash(a.core),
        "sandbox": a.sandbox,
        "temperature": a.temperature,
    }
    samples = [Sample(str(number), "random", text, {}) for number, text in enumerate(prompts(a.n))]
    with Results(a.results, about) as results:
        engine = open_core(a.core)
        try:
            agent = Agent(
                engine=engine,
                tools=[Python()],
                sandbox=a.sandbox,
                limits=LIMITS,
                sampling={"temperature": a.temperature, "seed": 1},
                journal=False,
            )

            async def solve(sample: Sample) -> Verdict:
                return verdict(sample.id, sample.family, await agent.run(sample.question), {})

            def progress(_: Verdict) -> None:
                if len(results.done) % 100 == 0:
                    print(f"{len(results.done)} done: {_outcomes(results.done.values())}", file=sys.stderr)

            async with agent:
                await run_samples(samples, solve, results, at_once=a.at_once, listener=progress)
        finally:
            await engine.aclose()
        return [results.done[sample.id] for sample in samples]


def _outcomes(found: Iterable[Verdict]) -> str:
    return ", ".join(f"{outcome} {count}" for outcome, count in Counter(v.outcome for v in found).most_common())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--sandbox", default="docker")
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--core", type=Path, help="weights of a run; default: those that ship")
    parser.add_argument("--results", type=Path, default=Path("runs") / "random.jsonl")
    a = parser.parse_args()
    done = asyncio.run(run_all(a))
    print(machine())
    print(f"{len(done)} random prompts, temperature {a.temperature:g}, {a.sandbox}")
    print(f"outcomes: {_outcomes(done)}")
    print(f"seconds a run, median (min-max): {spread([found.seconds for found in done])}")
    print(f"sampled tokens a run, median (min-max): {spread([found.sampled_tokens for found in done], 0)}")


if __name__ == "__main__":
    main()
