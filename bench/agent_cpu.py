"""What the agent itself costs: processor time of a step, everything but the engine and the function that is called.

    python -m bench.agent_cpu [--runs 5] [--steps 100]

An engine hands out completions that were made beforehand, one token id a chunk as engines stream, and notes the
processor time at which each is asked for. From one such note to the next lies a whole step: reading the stream, the
parser, the watch for repetition, transcript and journal (a file, written before and after the call), limits, the call
of an async function and its answer. What it takes to read the same chunks and nothing else is subtracted. Goal: under
1 ms a step behind 100,000 token ids.

A token's own cost is the difference between steps with a long thought and steps with none, by the ids between them.
"streamed" hands the text to a reader of events too (`agent.stream`).
"""

import argparse
import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from bench.report import machine, spread
from ossia import Agent, Limits, harmony, tool
from ossia.engine import Capabilities, Chunk, EngineInfo, Sampling
from ossia.types import Grammar

THOUGHT = "<|channel|>analysis<|message|>{words}<|end|><|start|>assistant"
CALL = '<|channel|>commentary to=functions.say <|constrain|>json<|message|>{{"text": "{text}"}}<|call|>'
FINAL = "<|channel|>final<|message|>done<|return|>"
WORDS = ("so", "the", "next", "number", "should", "be", "larger", "than", "the", "one", "that", "came", "before")


@dataclass
class Metronome:
    """Hands out given completions and notes when each was asked for."""

    completions: Sequence[Sequence[Chunk]]
    asked: list[float] = field(default_factory=list)
    """Processor time, seconds."""

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(spec="bench", model="bench", max_context=1 << 20, capabilities=Capabilities())

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        key: str,
        priority: int = 0,
        grammar: Grammar | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        self.asked.append(time.process_time())
        for chunk in self.completions[len(self.asked) - 1]:
            yield chunk

    async def aclose(self) -> None: ...


@tool
async def say(text: str) -> str:
    """Says it."""
    return text


def completions(steps: int, thought: int) -> list[list[Chunk]]:
    """`steps` calls behind a thought of `thought` words, each with a number, and the answer."""
    words = itertools.islice(itertools.cycle(WORDS), thought)
    before = THOUGHT.format(words=" ".join(f"{word} {n}" for n, word in enumerate(words))) if thought else ""
    texts = [*(before + CALL.format(text=f"word {step}") for step in range(steps)), FINAL]
    return [chunked(harmony.encoding().encode(text, special=True)) for text in texts]


def chunked(ids: Sequence[int]) -> list[Chunk]:
    return [Chunk((token,), finish="stop" if n == len(ids) else None) for n, token in enumerate(ids, start=1)]


async def agent_steps(script: Sequence[Sequence[Chunk]], context: int, *, streamed: bool) -> list[float]:
    """Milliseconds of processor time from each completion to the next."""
    engine = Metronome(script)
    with tempfile.TemporaryDirectory() as journals:
        limits = Limits(steps=len(script))
        async with Agent(engine=engine, tools=[say], limits=limits, journal=journals) as agent:
            text = "word " * context or "Go."
            if streamed:
                async with agent.stream(text) as run:
                    async for _ in run:
                        pass
                    result = await run.result()
            else:
                result = await agent.run(text)
    assert (result.outcome, result.usage.steps) == ("final", len(script))
    return [(after - before) * 1000 for before, after in itertools.pairwise(engine.asked)]


async def reading(script: Sequence[Sequence[Chunk]]) -> float:
    """Milliseconds of processor time to read one of the completions and do nothing with it, median."""
    engine = Metronome(script)
    for _ in script:
        async for _ in engine.generate((), Sampling(), key="bench"):
            pass
    return statistics.median((after - before) * 1000 for before, after in itertools.pairwise(engine.asked))


async def measure(runs: int, steps: int, context: int, thought: int, *, streamed: bool) -> tuple[list[float], int]:
    """Milliseconds a step, one for each step of every run; token ids of one of its completions."""
    script = completions(steps, thought)
    taken: list[float] = []
    for _ in range(runs):
        harness = await reading(script)
        taken += [step - harness for step in await agent_steps(script, context, streamed=streamed)]
    return taken, len(script[0])


async def report(runs: int, steps: int) -> None:
    print("| context, token ids | mode | step without a thought, ms | step of 1,000 ids, ms | a token id, µs |")
    print("|---|---|---|---|---|", flush=True)
    for context, streamed in itertools.product((1_000, 100_000), (False, True)):
        short, few = await measure(runs, steps, context, 0, streamed=streamed)
        long, many = await measure(runs, steps, context, 320, streamed=streamed)
        token = (statistics.median(long) - statistics.median(short)) / (many - few) * 1000
        mode = "streamed" if streamed else "run"
        print(f"| {context:,} | {mode} | {spread(short)} ({few} ids) | {spread(long)} ({many} ids) | {token:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="runs of each case")
    parser.add_argument("--steps", type=int, default=100, help="calls in each run")
    arguments = parser.parse_args()
    print(machine())
    asyncio.run(report(arguments.runs, arguments.steps))


if __name__ == "__main__":
    main()
