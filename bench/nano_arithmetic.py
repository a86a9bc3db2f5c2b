"""Held-out arithmetic through the agent: nano's own analysis and code, a real kernel, its own answer.

    python -m bench.nano_arithmetic [--n 400] [--sandbox docker] [--temperature 0] [--at-once 4] [--misses]

The 400 questions are those of nano/heldout_arithmetic.jsonl: documented phrasings, expressions that training never
sees. A question is right when its run ended with a final answer, a cell was executed, and the last number of the answer
is the expected one. Runs that end as `infrastructure` are left out of the share: they say nothing of the model.
"""

import argparse
import asyncio
import re
import sys
import tempfile
from collections import Counter

from bench.report import machine, spread
from nano.questions import read
from ossia import Agent, Limits, Python, RunResult
from ossia.evals import wilson

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def right(result: RunResult, expected: str) -> bool:
    """Whether a run gave the expected number, by way of a cell."""
    numbers = NUMBER.findall(result.final or "")
    return result.outcome == "final" and bool(result.tool_calls) and bool(numbers) and numbers[-1] == expected


async def ask_all(arguments: argparse.Namespace) -> list[tuple[str, str, RunResult]]:
    questions = read()[: arguments.n]
    gate = asyncio.Semaphore(arguments.at_once)
    with tempfile.TemporaryDirectory() as journals:
        agent = Agent(
            engine="nano",
            tools=[Python()],
            sandbox=arguments.sandbox,
            limits=Limits(steps=6, step_tokens=256),
            sampling={"temperature": arguments.temperature, "seed": 1},
            journal=journals,
        )
        async with agent:

            async def ask(question: str, expected: str) -> tuple[str, str, RunResult]:
                async with gate:
                    return question, expected, await agent.run(question)

            return await asyncio.gather(*(ask(*item) for item in questions))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=400)
    parser.add_argument("--sandbox", default="docker")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--misses", action="store_true", help="show what went wrong")
    arguments = parser.parse_args()
    done = asyncio.run(ask_all(arguments))
    scored = [item for item in done if item[2].outcome != "infrastructure"]
    if not scored:
        sys.exit(f"no run could be scored: {done[0][2].error}")
    hits = sum(right(result, expected) for _, expected, result in scored)
    low, high = wilson(hits, len(scored))
    print(machine())
    print(f"nano, {arguments.sandbox}, temperature {arguments.temperature:g}, {arguments.at_once} runs at once")
    print(f"right: {hits} of {len(scored)} = {hits / len(scored):.3f}, Wilson 95 % [{low:.3f}, {high:.3f}]")
    print(f"left out as infrastructure: {len(done) - len(scored)}")
    print(f"with an executed cell: {sum(bool(result.tool_calls) for _, _, result in scored)}")
    print(f"outcomes: {dict(Counter(result.outcome for _, _, result in done))}")
    print(f"seconds a run, median (min-max): {spread([result.usage.seconds for _, _, result in done])}")
    if arguments.misses:
        for question, expected, result in scored:
            if not right(result, expected):
                code = result.tool_calls[0].arguments if result.tool_calls else None
                print(f"  {question!r}: expected {expected}, code {code!r}, {result.outcome}: {result.final!r}")


if __name__ == "__main__":
    main()
