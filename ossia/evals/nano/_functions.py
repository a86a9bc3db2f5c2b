"""`nano-functions`: one to five declared functions, of which one is right."""

import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

from ossia.agent import Agent, RunResult
from ossia.evals.dataset import Dataset, Sample
from ossia.evals.nano._common import LIMITS, text, yardstick
from ossia.evals.runner import Setup, Solve
from ossia.evals.scorers import answers, calls
from ossia.evals.verdict import Verdict, verdict
from ossia.tools import tool
from ossia.tools.functions import Function
from ossia.types import JsonValue

Declared = Mapping[str, JsonValue]


class NanoFunctions:
    """An agent for each sample, since each declares functions of its own."""

    name = "nano-functions"

    def dataset(self) -> Dataset:
        return yardstick(self.name)

    def chance(self, family: str, measure: str) -> float | None:
        """Picking any of the functions, and everything else right; asking where it is not known what lacks: nothing."""
        if family == "missing":
            return None
        offered = [len(_declared(sample)) for sample in self.dataset().samples if sample.family == family]
        return sum(1 / n for n in offered) / len(offered)

    @asynccontextmanager
    async def open(self, setup: Setup) -> AsyncIterator[Solve]:
        async def solve(sample: Sample) -> Verdict:
            tools = [declared_function(one) for one in _declared(sample)]
            agent = Agent(engine=setup.engine, tools=tools, sampling=setup.sampling, limits=LIMITS, journal=False)
            async with agent:
                result = await agent.run(sample.question)
            return verdict(sample.id, sample.family, result, _measures(sample, result))

        yield solve


def declared_function(declared: Declared) -> Function[..., str]:
    """A function as a sample declares it, which returns what the sample says, whatever it is called with."""
    returns = text(declared["returns"])

    def answer(**_: str) -> str:
        return returns

    names = [text(parameter["name"]) for parameter in cast(Sequence[Declared], declared["parameters"])]
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(name, kind, annotation=str) for name in names]
    made: Callable[..., str] = answer
    made.__signature__ = inspect.Signature(parameters, return_annotation=str)  # type: ignore[attr-defined]
    made.__annotations__ = {**dict.fromkeys(names, str), "return": str}
    return tool(made, name=text(declared["name"]), description=text(declared["description"]))


def _declared(sample: Sample) -> Sequence[Declared]:
    return cast(Sequence[Declared], sample.setting["functions"])


def _measures(sample: Sample, result: RunResult) -> dict[str, bool]:
    if sample.family == "missing":
        final = result.final or ""
        return {"no call": not result.tool_calls, "asks": "?" in final and text(sample.expected["asks"]) in final}
    arguments = cast(Mapping[str, JsonValue], sample.expected["arguments"])
    chosen = text(sample.expected["call"])
    first = result.tool_calls[0] if result.tool_calls else None
    return {
        "chosen": first is not None and first.recipient == f"functions.{chosen}",
        "call": len(result.tool_calls) == 1
        and first is not None
        and calls(first.recipient, first.arguments, chosen, arguments),
        "answer": answers(result.final, text(sample.expected["answer"])),
    }
