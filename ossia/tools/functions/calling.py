"""Functions of the user, those that block off the event loop."""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from ossia.tools.functions._parameters import bare

T = TypeVar("T")


@dataclass(slots=True)
class _Done(Generic[T]):
    value: T | None = None
    error: BaseException | None = None


async def invoke(function: Callable[..., object], *args: object, **kwargs: object) -> object:
    """What a function of the user returns, sync (run in a thread) or async."""
    if inspect.iscoroutinefunction(bare(function)):
        return await cast(Awaitable[object], function(*args, **kwargs))
    value = await in_thread(lambda: function(*args, **kwargs))
    return await value if inspect.isawaitable(value) else value


async def in_thread(function: Callable[[], T]) -> T:
    """What `function` returns, run in a thread of its own with the caller's context variables.

    Not `asyncio.to_thread`: a function that never returns would hold one of its few threads for good, and keep the
    process from ending. Cancelling the caller leaves the function running; its result is dropped.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Done[T]] = loop.create_future()
    context = contextvars.copy_context()

    def finish(outcome: _Done[T]) -> None:
        if not done.done():
            done.set_result(outcome)

    def work() -> None:
        outcome = _Done[T]()
        try:
            outcome.value = context.run(function)
        except BaseException as error:  # noqa: BLE001 (carried over to the caller, whatever it is)
            outcome.error = error
        with suppress(RuntimeError):  # the loop was closed while the function ran on: nobody waits any more
            loop.call_soon_threadsafe(finish, outcome)

    threading.Thread(target=work, name="ossia-function", daemon=True).start()
    outcome = await done
    if outcome.error is not None:
        raise outcome.error
    return cast(T, outcome.value)
