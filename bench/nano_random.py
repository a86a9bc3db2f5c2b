"""nano on random prompts: every run has an outcome, and a short one.

    python -m bench.nano_random [--n 2000] [--temperature 1] [--sandbox docker] [--core RUN/core.safetensors]

A prompt is a mix of words, numbers, signs, code and odd characters, or a piece of the frozen yardstick that was cut
off. What nano answers does not matter here; that it ends does.
"""

import argparse
import asyncio
import random
from collections import Counter
from itertools import count, islice
from pathlib import Path

from bench.report import machine, spread
from nano.vocabulary import word
from nano.weights import open_core
from ossia import Agent, Limits, Python, RunResult
from ossia.evals import find_eval

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


async def run_all(a: argparse.Namespace) -> list[RunResult]:
    engine = open_core(a.core)
    gate = asyncio.Semaphore(a.at_once)
    agent = Agent(
        engine=engine,
        tools=[Python()],
        sandbox=a.sandbox,
        limits=Limits(steps=8, step_tokens=600),
        sampling={"temperature": a.temperature, "seed": 1},
        journal=False,
    )

    async def one(text: str) -> RunResult:
        async with gate:
            return await agent.run(text)

    try:
        async with agent:
            return await asyncio.gather(*(one(text) for text in prompts(a.n)))
    finally:
        await engine.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--sandbox", default="docker")
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--core", type=Path, help="weights of a run; default: those that ship")
    a = parser.parse_args()
    done = asyncio.run(run_all(a))
    print(machine())
    print(f"{len(done)} random prompts, temperature {a.temperature:g}, {a.sandbox}")
    print(f"outcomes: {dict(Counter(result.outcome for result in done))}")
    print(f"limits met: {dict(Counter(result.limit for result in done if result.limit))}")
    print(f"seconds a run, median (min-max): {spread([result.usage.seconds for result in done])}")
    print(f"sampled tokens a run, median (min-max): {spread([result.usage.sampled_tokens for result in done], 0)}")


if __name__ == "__main__":
    main()
