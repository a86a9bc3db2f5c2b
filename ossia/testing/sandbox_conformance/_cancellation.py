"""Calls that are cancelled at each of their awaits: the sandbox answers afterwards, and nothing is left of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from typing import Any, Literal

from ossia.sandbox import Sandbox
from ossia.testing.sandbox_conformance._case import Collector, value

_case = Collector()
CASES = _case.cases

Moment = Literal["waiting", "resuming"]
"""Cancelled while what it waits for is still to come, or when that has come and the caller has not yet run on."""
_MOMENTS: tuple[Moment, ...] = ("waiting", "resuming")
_MOST_AWAITS = 400
_SETTLE = 5.0
"""Seconds in which processes and tasks of a cancelled call have to be gone."""


class _CancelledAt:
    """Awaits `inner` and has the task cancelled at its n-th suspension, counted from 1."""

    def __init__(self, inner: Awaitable[object], n: int, moment: Moment) -> None:
        self._inner = inner
        self._n = n
        self._moment = moment
        self.suspended = 0

    def __await__(self) -> Generator[Any, Any, object]:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        steps = self._inner.__await__()
        error: BaseException | None = None
        while True:
            try:
                waited_for = next(steps) if error is None else steps.throw(error)
            except StopIteration as done:
                return done.value
            error = None
            self.suspended += 1
            if self.suspended == self._n:
                if isinstance(waited_for, asyncio.Future) and self._moment == "resuming":
                    waited_for.add_done_callback(lambda _: task.cancel())
                else:
                    loop.call_soon(task.cancel)
            try:
                yield waited_for
            except BaseException as thrown:  # noqa: BLE001 - handed on to the inner one, whatever it is
                error = thrown


async def cancelled_at(call: Callable[[], Awaitable[object]], n: int, moment: Moment) -> tuple[bool, object]:
    """Cancel `call` at its n-th await: whether it has that many, and what it gave where it was not cancelled."""
    counted = _CancelledAt(call(), n, moment)

    async def run() -> object:
        return await counted

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    if not task.cancelled():
        # One that swallowed the cancellation has ended all the same; what it raised is to be seen.
        return counted.suspended >= n, task.result()
    return True, None


async def at_every_await(
    call: Callable[[], Awaitable[object]], after: Callable[[object], Awaitable[None]] | None = None
) -> int:
    """Cancel `call` at its first await, its second, ... until it has no more; how many it had.

    `after` is called each time, with what the call gave or None.
    """
    most = 0
    for moment in _MOMENTS:
        for n in range(1, _MOST_AWAITS):
            reached, given = await cancelled_at(call, n, moment)
            if after is not None:
                await after(given)
            if not reached:
                most = max(most, n - 1)
                break
        else:
            raise AssertionError(f"it awaits more than {_MOST_AWAITS} times")
    return most


@asynccontextmanager
async def nothing_left(sandbox: Sandbox) -> AsyncIterator[None]:
    """Checks that as many processes and tasks are there afterwards as before, and the same files."""
    await value(sandbox, "1")
    before = (await sandbox.stats()).processes
    files = {file.path for file in await sandbox.files()}
    tasks = len(asyncio.all_tasks())
    yield
    end = asyncio.get_running_loop().time() + _SETTLE
    while asyncio.get_running_loop().time() < end:
        now = (await sandbox.stats()).processes
        # What an earlier call had started may end meanwhile, too.
        if (now or 0) <= (before or 0) and len(asyncio.all_tasks()) <= tasks:
            break
        await asyncio.sleep(0.02)
    else:
        raise AssertionError(f"{now} processes and {len(asyncio.all_tasks())} tasks, {before} and {tasks} before")
    assert {file.path for file in await sandbox.files()} == files


async def _check(sandbox: Sandbox, call: Callable[[], Awaitable[object]]) -> None:
    async def answers(_: object) -> None:
        assert (await sandbox.exec(["true"])).code == 0

    async with nothing_left(sandbox):
        assert await at_every_await(call, answers) > 0
        assert await value(sandbox, "1 + 1") == "2"


@_case(shared=True)
async def a_cancelled_command_leaves_nothing(sandbox: Sandbox) -> None:
    """A command that is cancelled at any await is killed, and what was sent for it is dropped."""
    await _check(sandbox, lambda: sandbox.exec(["sh", "-c", "sleep 0.02; cat"], stdin=b"x" * 300_000))


@_case(shared=True)
async def a_cancelled_cell_leaves_its_variables(sandbox: Sandbox) -> None:
    """A cell that is cancelled at any await ends, and the kernel and its variables stay."""
    await sandbox.execute("kept = 'kept'")
    await _check(sandbox, lambda: sandbox.execute("import time\nfor _ in range(3): print('x', flush=True)"))
    assert await value(sandbox, "kept") == "'kept'"


@_case(shared=True)
async def a_cancelled_put_leaves_the_whole_file_or_none(sandbox: Sandbox) -> None:
    """A file that is being written when its caller is cancelled is not left half."""
    data = b"0123456789" * 60_000

    async def whole_or_none(_: object) -> None:
        for file in await sandbox.files():
            if file.path == "put":
                assert await sandbox.get("put") == data
                await sandbox.exec(["rm", "put"])

    async with nothing_left(sandbox):
        assert await at_every_await(lambda: sandbox.put("put", data), whole_or_none) > 0


@_case(shared=True)
async def a_cancelled_reading_of_files_leaves_nothing(sandbox: Sandbox) -> None:
    """`get`, `files`, `snapshot`, `restore` and `stats` can be cancelled at any await."""
    await sandbox.put("a", b"0123456789" * 60_000)
    snapshot = await sandbox.snapshot()
    for call in (
        lambda: sandbox.get("a"),
        sandbox.files,
        sandbox.snapshot,
        lambda: sandbox.restore(snapshot),
        sandbox.stats,
    ):
        await _check(sandbox, call)
    assert await sandbox.get("a") == b"0123456789" * 60_000
    await sandbox.exec(["rm", "a"])


@_case(shared=True)
async def a_cancelled_interrupt_leaves_the_kernel(sandbox: Sandbox) -> None:
    """`interrupt` can be cancelled at any await; the next cell is not what it ends."""
    await sandbox.execute("kept = 'kept'")
    async with nothing_left(sandbox):
        await at_every_await(sandbox.interrupt)
        assert await value(sandbox, "kept") == "'kept'"


@_case()
async def a_cancelled_restart_leaves_a_kernel(sandbox: Sandbox) -> None:
    """After a `restart` that was cancelled at any await the next cell has a kernel, and there is one only."""

    async def answers(_: object) -> None:
        assert await value(sandbox, "1 + 1") == "2"

    async with nothing_left(sandbox):
        assert await at_every_await(sandbox.restart, answers) > 0
