"""Running an eval: its samples, a few at a time, into results."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ossia.agent import SamplingFields
from ossia.engine import Engine
from ossia.evals.dataset import Dataset, Sample
from ossia.evals.results import Results
from ossia.evals.verdict import Verdict
from ossia.sandbox.protocol import SandboxProvider

Solve: TypeAlias = Callable[[Sample], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True)
class Setup:
    """With what an eval runs."""

    engine: Engine
    """An open engine, which stays the caller's to close."""
    sampling: SamplingFields
    sandbox: str | SandboxProvider | None = None
    """None: the first that covers what the tools need."""


class Eval(Protocol):
    """Samples, and the agent that is asked them."""

    @property
    def name(self) -> str: ...

    def dataset(self) -> Dataset: ...

    def open(self, setup: Setup) -> AbstractAsyncContextManager[Solve]:
        """The agent, ready to be asked. Raises `UserError` or `InfrastructureError` where it cannot be had."""
        ...

    def chance(self, family: str, measure: str) -> float | None:
        """What guessing among the choices that are offered reaches on average; None: there is nothing to guess."""
        ...


async def run_samples(
    samples: Iterable[Sample],
    solve: Solve,
    results: Results,
    *,
    at_once: int = 4,
    listener: Callable[[Verdict], None] = lambda _: None,
) -> None:
    """Ask the samples that `results` lacks, `at_once` at a time; each verdict is kept before `listener` hears of it."""
    waiting = iter([sample for sample in samples if sample.id not in results.done])

    async def work() -> None:
        for sample in waiting:
            found = await solve(sample)
            results.add(found)
            listener(found)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
