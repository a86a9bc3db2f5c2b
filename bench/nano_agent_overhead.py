"""nano through the agent against nano alone: what parsing, events, transcript and journal cost beside the model.

    python -m bench.nano_agent_overhead [--rounds 5] [--n 20] [--sandbox docker]

Two cases, each round once through the agent and once without it, on engines that start cold:

- whole runs without tools, one after another and eight at once: the time of `agent.run` against that of reading the
  same completions from the engine directly;
- runs with python (where --sandbox names a provider): the time that the agent takes to read each completion, as the
  engine sees it, against reading the same completion directly. The time of cells is not in it.

Speeds are token ids a second, of wall time and (whole runs only) of processor time, which other load on the machine
hardly disturbs when NumPy has one thread (OPENBLAS_NUM_THREADS=1). A ratio of 1 means that the agent costs nothing.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from bench.report import machine, spread
from ossia import Agent, Limits, Python
from ossia.engine import Chunk, EngineInfo, Sampling
from ossia.engine.nano import NanoEngine
from ossia.engine.nano._load import load_nano
from ossia.engine.nano._model import Model
from ossia.types import Grammar

QUESTIONS = tuple(f"What is {a} * {b}?" for a, b in zip(range(4711, 9999, 37), range(12, 999, 11), strict=False))


@dataclass
class Recorded:
    """A completion that the agent read."""

    prompt: Sequence[int]
    sampling: Sampling
    key: str
    tokens: list[int] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Recorder:
    """An engine that notes what is asked of another one, and how long each completion takes to be read."""

    engine: NanoEngine
    calls: list[Recorded] = field(default_factory=list)

    @property
    def info(self) -> EngineInfo:
        return self.engine.info

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        key: str,
        priority: int = 0,
        grammar: Grammar | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        call = Recorded(tuple(prompt), sampling, key)
        self.calls.append(call)
        started = time.perf_counter()
        try:
            async for chunk in self.engine.generate(prompt, sampling, key=key, priority=priority, grammar=grammar):
                call.tokens += chunk.token_ids
                yield chunk
        finally:
            call.seconds = time.perf_counter() - started

    async def aclose(self) -> None:
        await self.engine.aclose()


@dataclass
class Clock:
    """Seconds of wall time and of processor time since it was made, until stopped."""

    wall: float = field(default_factory=time.perf_counter)
    processor: float = field(default_factory=time.process_time)

    def stop(self) -> "Clock":
        self.wall, self.processor = time.perf_counter() - self.wall, time.process_time() - self.processor
        return self


async def through_agent(
    model: Model, questions: Sequence[str], at_once: int, sandbox: str | None
) -> tuple[Clock, list[Recorded]]:
    """The time of all runs together, and what they asked of the engine."""
    engine = Recorder(NanoEngine(model, default_sampling=Sampling(temperature=0.0)))
    gate = asyncio.Semaphore(at_once)
    tools = [] if sandbox is None else [Python()]
    with tempfile.TemporaryDirectory() as journals:
        limits = Limits(steps=4, step_tokens=128)
        async with Agent(engine=engine, tools=tools, sandbox=sandbox, limits=limits, journal=journals) as agent:

            async def run(question: str) -> None:
                async with gate:
                    await agent.run(question)

            clock = Clock()
            await asyncio.gather(*map(run, questions))
            clock.stop()
    await engine.aclose()
    return clock, engine.calls


async def alone(model: Model, calls: Sequence[Recorded], at_once: int) -> Clock:
    """The time to read the same completions from an engine."""
    engine = NanoEngine(model)
    gate = asyncio.Semaphore(at_once)

    async def read(call: Recorded) -> None:
        async with gate:
            tokens: list[int] = []
            async for chunk in engine.generate(call.prompt, call.sampling, key=call.key):
                tokens += chunk.token_ids
            assert at_once > 1 or tokens == call.tokens, "the agent and the engine alone sampled different tokens"

    clock = Clock()
    await asyncio.gather(*map(read, calls))
    clock.stop()
    await engine.aclose()
    return clock


async def compare(model: Model, n: int, at_once: int, sandbox: str | None, rounds: int) -> None:
    """Print both speeds and their ratio, taken within each round."""
    wall: list[tuple[float, float]] = []
    processor: list[tuple[float, float]] = []
    for _ in range(rounds):
        agent, calls = await through_agent(model, QUESTIONS[:n], at_once, sandbox)
        engine = await alone(model, calls, at_once)
        tokens = sum(len(call.tokens) for call in calls)
        read = agent.wall if sandbox is None else sum(call.seconds for call in calls)
        wall.append((tokens / read, tokens / engine.wall))
        processor.append((tokens / agent.processor, tokens / engine.processor))
    what = "whole runs without tools" if sandbox is None else f"completions of runs with python in {sandbox}"
    print(f"\n{what}, {n} runs, {at_once} at once, {tokens} token ids in {len(calls)} completions")
    report("wall time", wall)
    if sandbox is None:
        report("processor time", processor)


def report(measure: str, pairs: Sequence[tuple[float, float]]) -> None:
    print(f"  token ids a second of {measure}, median (least-most)", flush=True)
    print(f"    through the agent   {spread([agent for agent, _ in pairs], 1)}")
    print(f"    engine alone        {spread([engine for _, engine in pairs], 1)}")
    print(f"    ratio               {spread([agent / engine for agent, engine in pairs], 3)}", flush=True)


async def measure(arguments: argparse.Namespace) -> None:
    model = load_nano().model
    await alone(model, [Recorded(range(200), Sampling(temperature=0.0, max_tokens=32), "warm")], 2)
    await compare(model, arguments.n, 1, None, arguments.rounds)
    await compare(model, arguments.n, 8, None, arguments.rounds)
    if arguments.sandbox:
        await compare(model, arguments.n, 1, arguments.sandbox, arguments.rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--n", type=int, default=20, help="runs of a case")
    parser.add_argument("--sandbox", default="", help="a provider, such as docker, to measure runs with python too")
    arguments = parser.parse_args()
    print(machine())
    asyncio.run(measure(arguments))


if __name__ == "__main__":
    main()
