"""A turn under way, seen from outside."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

from ossia.agent._turn import Turn
from ossia.agent.events import Event
from ossia.agent.result import RunResult
from ossia.errors import UserError


class RunStream:
    """A turn under way: iterate over its events, then `await run.result()`. Leaving it early cancels the turn."""

    def __init__(self, turn: Callable[[Callable[[Event], None]], AbstractAsyncContextManager[Turn]]) -> None:
        self._turn = turn
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._task: asyncio.Task[RunResult] | None = None
        self._current: Turn | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda _: self._events.put_nowait(None))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task = self._started()
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and error is None:
            task.result()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self._events.get()) is not None:
            yield event
        if self._started().done():
            await self.result()

    async def result(self) -> RunResult:
        """The turn's result, when it has ended. Raises `UserError` where the caller's mistake kept it from that."""
        return await asyncio.shield(self._started())

    def cancel(self) -> None:
        """Stop the turn; it then ends with outcome `cancelled`, and `result()` says how far it came."""
        if self._current is None:
            self._started().cancel()
        elif not self._current.stopping:
            self._current.stopping = True
            self._started().cancel()

    async def _run(self) -> RunResult:
        async with self._turn(self._events.put_nowait) as turn:
            self._current = turn
            return await turn.run()

    def _started(self) -> asyncio.Task[RunResult]:
        if self._task is None:
            raise UserError("Enter the stream first: `async with agent.stream(...) as run`.")
        return self._task
