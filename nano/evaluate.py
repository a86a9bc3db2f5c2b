"""What the shipped nano does by itself on questions of a split: `python -m nano.evaluate --count 200`.

Each completion is sampled by the engine and read by the parser. A cell is not run: it counts as right if it is the cell
that training would have written, and its result is then given. So this needs no sandbox, and can only be too strict.
The figure with real kernels is that of `bench/nano_arithmetic.py`.
"""

import argparse
import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from nano.numbers import Split
from nano.prompts import LONGEST as LONGEST_INSTRUCTIONS
from nano.prompts import long_instructions
from nano.rows import Task, arithmetic_task, words_task
from nano.talk import small_talk
from nano.weights import open_core
from ossia.engine import Engine
from ossia.engine.nano import NanoEngine
from ossia.engine.protocol import Sampling
from ossia.evals import wilson
from ossia.harmony import Completion, PromptConfig, Transcript, parse_completion
from ossia.tools import Python

AT_ONCE = 32
LONGEST = 160
"""Token ids of one completion; none that is right comes near it."""


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation of one or more questions; the last one counts."""

    name: str
    tasks: tuple[Task, ...]
    instructions: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a case."""

    case: Case
    call: bool
    """The cell was right (or none was needed, and there was none)."""
    final: bool
    """The final answer was right, too."""
    wrote: str


def arithmetic(rng: random.Random, split: Split) -> Case:
    return Case("arithmetic", (arithmetic_task(rng, split),))


def follow_up(rng: random.Random, split: Split) -> Case:
    return Case("second turn", (arithmetic_task(rng, split), arithmetic_task(rng, split)))


def third(rng: random.Random, split: Split) -> Case:
    return Case("third turn", (*follow_up(rng, split).tasks, arithmetic_task(rng, split)))


@lru_cache(maxsize=1)
def _far() -> str:
    return long_instructions(random.Random(0), LONGEST_INSTRUCTIONS)


def distant(rng: random.Random, split: Split) -> Case:
    """Behind instructions that bring the context to 4,000 tokens; the same in all cases, so that they are read once."""
    return Case("arithmetic, 4,000 tokens on", arithmetic(rng, split).tasks, _far())


def words(rng: random.Random, split: Split) -> Case:
    return Case("words", (words_task(rng),))


def talk(rng: random.Random, split: Split) -> Case:
    question, answer = small_talk(rng)
    return Case("talk", (Task("talk", question, "", "", answer),))


FAMILIES: tuple[Callable[[random.Random, Split], Case], ...] = (
    arithmetic,
    follow_up,
    third,
    distant,
    words,
    talk,
)


async def solve(engine: Engine, case: Case, sampling: Sampling, key: str) -> Answer:
    """Play a case; earlier turns as the model writes them, with its own cells replaced by none that differ."""
    transcript = Transcript.start(PromptConfig(instructions=case.instructions, tools=(Python().namespace,)))
    answer = Answer(case, False, False, "")
    for task in case.tasks:
        answer = await _turn(engine, case, transcript, task, sampling, key)
        transcript.drop_analysis()
    return answer


async def _turn(engine: Engine, case: Case, transcript: Transcript, task: Task, sampling: Sampling, key: str) -> Answer:
    transcript.append_user(task.question)
    first = await _complete(engine, transcript, sampling, key)
    call = [c.text for c in first.calls] == ([task.code] if task.code else [])
    if not task.code or not first.calls:
        right = call and first.final == (task.answer if task.code else task.result)
        return Answer(case, call, right, _shown(first))
    transcript.append_tool("python", task.result + "\n", "analysis")
    second = await _complete(engine, transcript, sampling, key)
    right = call and second.final == (task.answer if task.code else task.result)
    return Answer(case, call, right, _shown(first) + " | " + _shown(second))


async def _complete(engine: Engine, transcript: Transcript, sampling: Sampling, key: str) -> Completion:
    ids: list[int] = []
    async for chunk in engine.generate(transcript.prompt(), sampling, key=key):
        ids.extend(chunk.token_ids)
    completion = parse_completion(ids, ["python"])
    transcript.append_completion(ids, completion)
    return completion


def _shown(completion: Completion) -> str:
    return " ".join(f"[{m.recipient or m.channel}] {m.text}" for m in completion.messages)


async def evaluate(engine: Engine, cases: Sequence[Case], temperature: float) -> list[Answer]:
    """Play all cases, `AT_ONCE` at a time."""
    gate = asyncio.Semaphore(AT_ONCE)
    base = Sampling(temperature=temperature, max_tokens=LONGEST)

    async def one(number: int, case: Case) -> Answer:
        async with gate:
            return await solve(engine, case, replace(base, seed=number), f"case {number}")

    return list(await asyncio.gather(*(one(n, case) for n, case in enumerate(cases))))


def report(answers: Sequence[Answer], temperature: float, misses: int) -> None:
    """Print the share that is right with its Wilson 95 % interval, and some of the misses."""
    right, n = sum(a.final for a in answers), len(answers)
    low, high = wilson(right, n)
    calls = sum(a.call for a in answers)
    print(
        f"{answers[0].case.name}, temperature {temperature:g}: {right}/{n} right"
        f" ({right / n:.1%}, 95 % {low:.1%} to {high:.1%}), cells right {calls}/{n}",
        flush=True,
    )
    for answer in [a for a in answers if not a.final][:misses]:
        print(f"    {answer.case.tasks[-1].question!r} -> {answer.wrote!r}")


async def run(
    engine: NanoEngine, count: int, seed: int, split: Split, temperatures: Sequence[float], misses: int
) -> None:
    try:
        for family in FAMILIES:
            rng = random.Random(seed)
            cases = [family(rng, split) for _ in range(count)]
            for temperature in temperatures:
                report(await evaluate(engine, cases, temperature), temperature, misses)
    finally:
        await engine.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="cases of each family")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--split", choices=("dev", "test"), default="dev")
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.0, 1.0])
    parser.add_argument("--misses", type=int, default=5, help="how many misses to show")
    parser.add_argument("--core", type=Path, help="weights of a run; default: those that ship")
    parser.add_argument("--mxfp4", action="store_true", help="with the experts rounded as the export packs them")
    a = parser.parse_args()
    asyncio.run(run(open_core(a.core, mxfp4=a.mxfp4), a.count, a.seed, a.split, a.temperatures, a.misses))


if __name__ == "__main__":
    main()
