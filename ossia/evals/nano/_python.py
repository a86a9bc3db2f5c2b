"""`nano-python`: questions for the python tool, and what needs no tool."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

from ossia.agent import Agent, RunResult
from ossia.evals.dataset import Dataset, Sample
from ossia.evals.nano._common import LIMITS, text, yardstick
from ossia.evals.runner import Setup, Solve
from ossia.evals.scorers import answers
from ossia.evals.verdict import Verdict, verdict
from ossia.tools import Python

LONGEST_REFUSAL = 400
"""Characters of an answer that still counts as short."""


class NanoPython:
    """A session for each sample: earlier questions, files, then the question that counts."""

    name = "nano-python"

    def dataset(self) -> Dataset:
        return yardstick(self.name)

    def chance(self, family: str, measure: str) -> float | None:
        """Nothing is offered to guess among. (A model that never calls a tool has all of `neither`.)"""
        return None

    @asynccontextmanager
    async def open(self, setup: Setup) -> AsyncIterator[Solve]:
        agent = Agent(
            engine=setup.engine,
            tools=[Python()],
            sandbox=setup.sandbox,
            sampling=setup.sampling,
            limits=LIMITS,
            journal=False,
        )
        async with agent:

            async def solve(sample: Sample) -> Verdict:
                result = await _ask(agent, sample)
                return verdict(sample.id, sample.family, result, _measures(sample, result))

            yield solve


async def _ask(agent: Agent, sample: Sample) -> RunResult:
    files = cast(Mapping[str, str], sample.setting.get("files", {}))
    async with agent.session() as session:
        for earlier in cast(list[str], sample.setting.get("earlier", [])):
            result = await session.run(earlier)
            if result.outcome == "infrastructure":
                return result
        return await session.run(sample.question, files={name: table.encode() for name, table in files.items()})


def _measures(sample: Sample, result: RunResult) -> dict[str, bool]:
    if sample.family == "neither":
        short = result.final is not None and 0 < len(result.final) <= LONGEST_REFUSAL
        return {"no call": not result.tool_calls, "short": short}
    return {"answer": bool(result.tool_calls) and answers(result.final, text(sample.expected["answer"]))}
