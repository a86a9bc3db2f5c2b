"""A coroutine cancelled at a given suspension."""

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class Count:
    """How often a coroutine was suspended."""

    suspensions: int = 0


def cancelled_at(work: Coroutine[Any, Any, T], at: int, count: Count) -> Coroutine[Any, Any, T]:
    """`work`, whose task is cancelled as it is suspended for the `at`-th time, counted from 1."""

    @types.coroutine
    def drive() -> Generator[Any, Any, T]:
        step: Callable[[Any], Any] = work.send
        given: Any = None
        while True:
            try:
                waited_for = step(given)
            except StopIteration as stop:
                value: T = stop.value
                return value
            count.suspensions += 1
            if count.suspensions == at:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                given, step = (yield waited_for), work.send
            except BaseException as error:  # noqa: BLE001 (thrown into the coroutine that is driven)
                given, step = error, work.throw

    async def run() -> T:
        return await drive()

    return run()
