"""Warm sandboxes, ready before they are asked for, and a bound on how many there are at once."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType

from ossia.errors import SandboxUnavailable
from ossia.sandbox.protocol import Sandbox, SandboxLimits, SandboxNeeds, SandboxProvider

_MEMORY_SHARE = 0.5
"""Part of the memory that is available now which sandboxes may take together, where no other bound is given."""
_REFILL_DELAY = 0.1
"""Seconds until what was handed out is replaced: its first cell should not share the processors with the next start."""


class SandboxPool:
    """Opens sandboxes of one provider, keeps `size` of them warm, and hands each out once.

    `size`: warm sandboxes beside those in use. `max_open`: most sandboxes at once, warm ones included. `memory`: bytes
    that all of them may use together, counted at `limits.memory` each. Both bounds hold; where they are left out, half
    of the memory that is available decides. `warm_up`: code that each kernel runs before it is handed out, such as
    imports. Callers wait in the order in which they came. Use it as `async with`.
    """

    def __init__(
        self,
        provider: SandboxProvider,
        needs: SandboxNeeds,
        *,
        limits: SandboxLimits | None = None,
        size: int = 1,
        max_open: int | None = None,
        memory: int | None = None,
        warm_up: str = "0",
    ) -> None:
        self._provider = provider
        self._needs = needs
        self._size = size
        self._warm_up = warm_up
        self._max_open = _bound(limits or SandboxLimits(), max_open, memory)
        self._open = 0
        self._warm: deque[Sandbox] = deque()
        self._waiters: deque[asyncio.Future[Sandbox]] = deque()
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False
        self._failed = False
        self._refill: asyncio.TimerHandle | None = None

    @property
    def max_open(self) -> int:
        """Most sandboxes at once."""
        return self._max_open

    @property
    def ready(self) -> Sequence[Sandbox]:
        """The sandboxes that stand warm now."""
        return tuple(self._warm)

    async def __aenter__(self) -> "SandboxPool":
        self._pump()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Sandbox]:
        """A sandbox of one's own; it is closed afterwards, never handed out again.

        Raises `SandboxUnavailable` where none can be opened.
        """
        sandbox = await self._next()
        try:
            yield sandbox
        finally:
            await asyncio.shield(self._discard(sandbox))

    async def aclose(self) -> None:
        """Close the warm sandboxes; those in use are closed by their users. The provider stays open."""
        self._closed = True
        if self._refill is not None:
            self._refill.cancel()
        for waiter in self._waiters:
            waiter.cancel()
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        while self._warm:
            await self._discard(self._warm.popleft())

    async def _next(self) -> Sandbox:
        if self._closed:
            raise SandboxUnavailable("the sandbox pool is closed")
        while True:
            waiter: asyncio.Future[Sandbox] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            self._failed = False
            self._pump()
            try:
                sandbox = await waiter
            except asyncio.CancelledError:
                self._withdraw(waiter)
                raise
            # It may have died while it waited for a caller.
            try:
                await sandbox.stats()
            except SandboxUnavailable:
                await self._discard(sandbox)
                continue
            except asyncio.CancelledError:
                await asyncio.shield(self._discard(sandbox))
                raise
            return sandbox

    def _withdraw(self, waiter: "asyncio.Future[Sandbox]") -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        elif waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            self._warm.appendleft(waiter.result())
            self._pump()

    def _pump(self) -> None:
        """Hand out what is warm, and start what is missing."""
        while self._warm and self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(self._warm.popleft())
        self._start_up_to(len(self._waiters))
        if self._refill is None and not self._closed:
            self._refill = asyncio.get_running_loop().call_later(_REFILL_DELAY, self._refill_now)

    def _refill_now(self) -> None:
        self._refill = None
        self._start_up_to(len(self._waiters) + (0 if self._failed else self._size))

    def _start_up_to(self, wanted: int) -> None:
        while not self._closed and len(self._warm) + len(self._starting) < wanted and self._open < self._max_open:
            self._open += 1
            task = asyncio.create_task(self._start(), name="sandbox-pool-start")
            self._starting.add(task)
            task.add_done_callback(self._started)

    async def _start(self) -> None:
        sandbox: Sandbox | None = None
        try:
            sandbox = await self._provider.open(self._needs)
            if self._needs.kernel:
                # It ends when the kernel is ready, and has then loaded what the first cell needs.
                await sandbox.execute(self._warm_up)
        except BaseException:
            await asyncio.shield(self._close(sandbox))
            raise
        self._warm.append(sandbox)

    def _started(self, task: "asyncio.Task[None]") -> None:
        """Counted as starting no longer, whatever became of it; who waits for it gets its error, whatever that is."""
        self._starting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)
        self._pump()

    def _fail(self, error: BaseException) -> None:
        """Tell the first who waits; nobody is told of a failed refill, and none is tried until somebody asks."""
        self._failed = True
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(error)
                return

    async def _discard(self, sandbox: Sandbox) -> None:
        await self._close(sandbox)
        self._pump()

    async def _close(self, sandbox: Sandbox | None) -> None:
        try:
            if sandbox is not None:
                with suppress(SandboxUnavailable):
                    await sandbox.close()
        finally:
            self._open -= 1


def _bound(limits: SandboxLimits, max_open: int | None, memory: int | None) -> int:
    """How many sandboxes fit."""
    if memory is None and max_open is not None:
        return max_open
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    fitting = int((memory if memory is not None else available * _MEMORY_SHARE) // limits.memory)
    return max(1, min(fitting, max_open or fitting))
