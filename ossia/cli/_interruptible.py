"""Running a coroutine so that Ctrl-C ends it at once."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, on a loop that every signal wakes.

    Without that a Ctrl-C that comes just before the loop goes to sleep waits for the loop's next event, for ever where
    there is none.
    """

    async def woken() -> T:
        # Once it handles one signal the loop watches for all of them; this one is sent by nobody.
        asyncio.get_running_loop().add_signal_handler(signal.SIGURG, lambda: None)
        return await work

    return asyncio.run(woken())
