"""From the stop token to the tool: how long after the engine hands out `<|call|>` the called function starts.

    python -m bench.stop_to_tool [--runs 20] [--steps 20]

A scripted engine notes the time at which it hands out each chunk that ends with a stop id; the function that is called
notes the time at which it starts. Between the two lie the parser, the checks of the call, and the journal, which is
written before a tool acts. Goal: under 2 ms. Taken at a short context and behind 100,000 token ids, for an async
function and for a sync one (which runs in a thread).
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Sequence

from bench.report import machine, spread
from ossia import Agent, Limits, tool
from ossia.engine import Chunk, Sampling
from ossia.testing import ScriptedEngine
from ossia.types import Grammar

CALL = '<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>{{"text": "{text}"}}<|call|>'
FINAL = "<|channel|>final<|message|>done<|return|>"


class Stopwatch(ScriptedEngine):
    """Notes when it hands out the last chunk of a completion."""

    stopped: float = 0.0

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        key: str,
        priority: int = 0,
        grammar: Grammar | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        async for chunk in super().generate(prompt, sampling, key=key, priority=priority, grammar=grammar):
            if chunk.finish is not None:
                self.stopped = time.perf_counter()
            yield chunk


def functions(note: Callable[[], None]) -> list[Callable[..., object]]:
    """An async and a sync function that note when they start."""

    @tool
    async def soon(text: str) -> str:
        """Answers at once."""
        note()
        return text

    @tool
    def later(text: str) -> str:
        """Answers in a thread."""
        note()
        return text

    return [soon, later]


async def delays(name: str, context: int, runs: int, steps: int) -> list[float]:
    """Milliseconds from stop to start, one for each call."""
    script = [*(CALL.format(name=name, text=f"word {step}") for step in range(steps)), FINAL]
    taken: list[float] = []
    with tempfile.TemporaryDirectory() as journals:
        for _ in range(runs):
            engine = Stopwatch(script)

            def note(engine: Stopwatch = engine) -> None:
                taken.append((time.perf_counter() - engine.stopped) * 1000)

            limits = Limits(steps=steps + 1)
            async with Agent(engine=engine, tools=functions(note), limits=limits, journal=journals) as agent:
                await agent.run("word " * context or "Go.")
    assert len(taken) == runs * steps
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="runs of each case")
    parser.add_argument("--steps", type=int, default=20, help="calls in each run")
    arguments = parser.parse_args()
    print(machine())
    print("| function | context, token ids | ms, median (least-most) | 99th percentile |\n|---|---|---|---|")
    for context in (0, 100_000):
        for name in ("soon", "later"):
            taken = sorted(asyncio.run(delays(name, context, arguments.runs, arguments.steps)))
            kind = "async" if name == "soon" else "sync, in a thread"
            print(f"| {kind} | {context:,} | {spread(taken)} | {taken[int(len(taken) * 0.99)]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
