"""One value for all sessions of a tool: made for the first, closed after the last."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


@dataclass
class _Entry(Generic[T]):
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    value: T | None = None
    users: int = 0


class Shared(Generic[T]):
    """Leases of one value for each event loop, since what it holds (sockets, processes) belongs to a loop."""

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._make = make
        self._entries: WeakKeyDictionary[asyncio.AbstractEventLoop, _Entry[T]] = WeakKeyDictionary()

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[T]:
        """The value, for as long as the context is open."""
        entry = self._entries.setdefault(asyncio.get_running_loop(), _Entry())
        async with entry.lock:
            if entry.value is None:
                entry.value = await entry.stack.enter_async_context(self._make())
            value = entry.value
            entry.users += 1
        try:
            yield value
        finally:
            entry.users -= 1
            await asyncio.shield(self._release(entry))

    async def _release(self, entry: _Entry[T]) -> None:
        async with entry.lock:
            if entry.users == 0 and entry.value is not None:
                entry.value = None
                await entry.stack.aclose()
