"""A thousand agents at once in one process: is every token delivered, how late, in how much memory?

    python -m bench.agent_concurrency [--agents 1000] [--rate 20] [--words 150] [--ramp 5] [--freeze]

Each agent is an `Agent` of its own with a function and a journal; all share one engine, which hands each of them one
token id at a time at a fixed rate. Each thinks, calls its function, thinks again, and answers; the agents start evenly
over the first `ramp` seconds. A token's lag is the time from when it was due to when the reader of the agent's events
(`async for event in run`) has its text. A token that the engine itself hands out late, since the process is behind, is
late from when it was due. `--freeze`: what stands after the imports is left out of garbage collections (`gc.freeze`),
as a program that serves many agents would do. Goal: every token, 99th percentile under 250 ms, memory under 1 GB.
"""

import argparse
import asyncio
import gc
import heapq
import itertools
import random
import resource
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field

from bench.report import machine
from ossia import Agent, harmony, tool
from ossia.agent import TextDelta
from ossia.engine import Capabilities, Chunk, EngineInfo, Sampling
from ossia.types import Grammar

WORDS = ("time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school")
THOUGHT = "<|channel|>analysis<|message|>{}<|end|><|start|>assistant"
CALL = '<|channel|>commentary to=functions.say <|constrain|>json<|message|>{"text": "hello there"}<|call|>'
FINAL = "<|channel|>final<|message|>{}<|return|>"


TICK = 0.002
"""Seconds between two looks at what is due."""


@dataclass
class Paced:
    """Plays completions at a rate, and notes when each id was due.

    Like an engine that batches it has one clock for all of its completions, not a timer for each.
    """

    completions: Sequence[Sequence[Chunk]]
    rate: float
    """Token ids a second, for each completion."""
    due: dict[str, list[float]] = field(default_factory=dict)
    """By the key of a session: when each id of its completions was due, by the loop's clock."""
    played: dict[str, int] = field(default_factory=dict)
    _waiting: list[tuple[float, int, asyncio.Future[None]]] = field(default_factory=list)
    _count: Iterator[int] = field(default_factory=itertools.count)

    async def tick(self) -> None:
        """Hand out what is due, until cancelled."""
        while True:
            now = time.monotonic()
            while self._waiting and self._waiting[0][0] <= now:
                future = heapq.heappop(self._waiting)[2]
                if not future.done():
                    future.set_result(None)
            await asyncio.sleep(TICK)

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(spec="bench", model="bench", max_context=131_072, capabilities=Capabilities())

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        key: str,
        priority: int = 0,
        grammar: Grammar | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        loop, number = asyncio.get_running_loop(), self.played.get(key, 0)
        self.played[key] = number + 1
        noted = self.due.setdefault(key, [])
        started = time.monotonic()
        for count, chunk in enumerate(self.completions[number], start=1):
            due = started + count / self.rate
            noted.append(due)
            future = loop.create_future()
            heapq.heappush(self._waiting, (due, next(self._count), future))
            await future
            yield chunk

    async def aclose(self) -> None: ...


@tool
async def say(text: str) -> str:
    """Says it."""
    return text


def completions(words: int) -> list[list[Chunk]]:
    """A thought and a call; a thought and an answer."""
    choose = random.Random(1).choices
    thought, second, answer = (" ".join(choose(WORDS, k=words)) for _ in range(3))
    texts = (THOUGHT.format(thought) + CALL, THOUGHT.format(second) + FINAL.format(answer))
    encoded = (harmony.encoding().encode(text, special=True) for text in texts)
    return [
        [Chunk((token,), finish="stop" if n == len(ids) else None) for n, token in enumerate(ids, start=1)]
        for ids in encoded
    ]


def shown(script: Sequence[Sequence[Chunk]]) -> list[int]:
    """Which of the ids of all completions, counted through, bring text to the reader."""
    positions = []
    count = itertools.count()
    for completion in script:
        parser = harmony.CompletionParser(["functions.say"])
        for chunk in completion:
            position = next(count)
            texts = [event for event in parser.feed(chunk.token_ids) if isinstance(event, harmony.TextDelta)]
            positions += [position] * len(texts)
    return positions


async def one(engine: Paced, journals: str, delay: float, positions: Sequence[int]) -> list[float]:
    """Run one agent; the lag of each of its text's tokens in milliseconds."""
    await asyncio.sleep(delay)
    async with (
        Agent(engine=engine, tools=[say], journal=journals) as agent,
        agent.session() as session,
        session.stream("Say hello.") as run,
    ):
        seen = [time.monotonic() async for event in run if isinstance(event, TextDelta)]
        result = await run.result()
    due = engine.due[session.id]
    assert (result.outcome, result.usage.sampled_tokens, len(seen)) == ("final", len(due), len(positions))
    return [(at - due[position]) * 1000 for at, position in zip(seen, positions, strict=True)]


async def measure(agents: int, rate: float, words: int, ramp: float) -> None:
    script = completions(words)
    positions = shown(script)
    engine = Paced(script, rate)
    with tempfile.TemporaryDirectory() as journals:
        clock = asyncio.create_task(engine.tick())
        started, processor = time.monotonic(), time.process_time()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(engine, journals, ramp * n / agents, positions)) for n in range(agents)]
        seconds, processor = time.monotonic() - started, time.process_time() - processor
        clock.cancel()
    lags = sorted(lag for task in tasks for lag in task.result())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    tokens = sum(map(len, engine.due.values()))
    assert tokens == agents * sum(map(len, script))
    print(
        "| agents | token ids delivered | lag, ms: median | 99th percentile | most | memory at most, MB | cores used |"
    )
    print("|---|---|---|---|---|---|---|")
    share = processor / seconds
    print(
        f"| {agents:,} | {tokens:,} of {tokens:,} | {lags[len(lags) // 2]:.1f} | {lags[int(len(lags) * 0.99)]:.1f} | "
        f"{lags[-1]:.1f} | {memory:.0f} | {share:.2f} ({processor / tokens * 1e6:.0f} µs a token id) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=20.0, help="token ids a second and agent")
    parser.add_argument("--words", type=int, default=150, help="of each thought and of the answer")
    parser.add_argument("--ramp", type=float, default=5.0, help="seconds over which the agents start")
    parser.add_argument("--freeze", action="store_true", help="leave what stands now out of garbage collections")
    arguments = parser.parse_args()
    print(machine())
    if arguments.freeze:
        harmony.encoding()
        gc.collect()
        gc.freeze()
    asyncio.run(measure(arguments.agents, arguments.rate, arguments.words, arguments.ramp))


if __name__ == "__main__":
    main()
