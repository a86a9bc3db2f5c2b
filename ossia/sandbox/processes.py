"""Starting a child process where the caller may be cancelled meanwhile."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any


async def started(starting: Coroutine[Any, Any, Process], end: Callable[[Process], Awaitable[None]]) -> Process:
    """What `asyncio.create_subprocess_exec(...)` gives; where the caller is cancelled, `end` is given it first.

    asyncio, cancelled while it takes the pipes of a process over, may wait for ever for that process's end.
    """
    task = asyncio.create_task(starting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.shield(_end(task, end))
        raise


async def _end(task: asyncio.Task[Process], end: Callable[[Process], Awaitable[None]]) -> None:
    with suppress(OSError):  # it could not be started at all
        await end(await task)
