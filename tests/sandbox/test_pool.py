"""Pools: warm, bounded, fair, never the same sandbox twice."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from ossia.errors import SandboxUnavailable
from ossia.sandbox import Bubblewrap, Sandbox, SandboxLimits, SandboxNeeds
from ossia.sandbox.pool import SandboxPool
from ossia.testing.sandbox_conformance._case import value

pytestmark = pytest.mark.usefixtures("kernel_environment")

NEEDS = SandboxNeeds(kernel=True, trusted=True)


@pytest.fixture
async def pool() -> AsyncIterator[SandboxPool]:
    async with SandboxPool(Bubblewrap(), NEEDS, size=1, max_open=3) as made:
        yield made


async def warm(pool: SandboxPool) -> None:
    """Wait until a sandbox stands ready."""
    for _ in range(600):
        if pool.ready:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no sandbox became ready")


async def test_a_warm_sandbox_is_handed_out_at_once(pool: SandboxPool) -> None:
    await warm(pool)
    begun = time.monotonic()
    async with pool.acquire() as sandbox:
        assert await value(sandbox, "1 + 1") == "2"
        assert time.monotonic() - begun < 0.5


async def test_no_sandbox_is_used_twice(pool: SandboxPool) -> None:
    for _ in range(3):
        async with pool.acquire() as sandbox:
            assert (
                await value(sandbox, "import os\nos.path.exists('/tmp/mark'), os.path.exists('mark')")
                == "(False, False)"
            )
            await sandbox.execute("open('/tmp/mark', 'w').close()\nopen('mark', 'w').close()")


async def test_there_are_never_more_than_the_bound_and_callers_are_served_in_order(pool: SandboxPool) -> None:
    held, most, served = 0, 0, []

    async def use(number: int) -> None:
        nonlocal held, most
        async with pool.acquire() as sandbox:
            served.append(number)
            held += 1
            most = max(most, held)
            await sandbox.execute("1")
            held -= 1

    tasks = []
    for number in range(8):
        tasks.append(asyncio.create_task(use(number)))
        await asyncio.sleep(0.01)
    await asyncio.wait_for(asyncio.gather(*tasks), 60)
    assert most <= 3
    # Handed out in order; who was handed one together with others may look at it a little earlier or later.
    assert all(abs(place - number) < 3 for place, number in enumerate(served))


async def test_a_sandbox_that_died_while_it_waited_is_not_handed_out(pool: SandboxPool) -> None:
    await warm(pool)
    await pool.ready[0].close()
    async with pool.acquire() as sandbox:
        assert await value(sandbox, "1 + 1") == "2"


async def test_a_caller_that_is_cancelled_holds_nothing(pool: SandboxPool) -> None:
    tasks = [asyncio.create_task(_hold(pool)) for _ in range(6)]
    await asyncio.sleep(0.3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(30):
        async with pool.acquire() as first, pool.acquire() as second:
            assert first is not second


async def _hold(pool: SandboxPool) -> None:
    async with pool.acquire():
        await asyncio.sleep(60)


async def test_who_waits_is_told_when_none_can_be_opened() -> None:
    async with SandboxPool(Bubblewrap(root="/nonexistent"), NEEDS, size=0, max_open=1) as broken:
        for _ in range(2):
            with pytest.raises(SandboxUnavailable):
                async with asyncio.timeout(20), broken.acquire():
                    pass


async def test_memory_bounds_the_number() -> None:
    limits = SandboxLimits(memory=256 << 20)
    assert SandboxPool(Bubblewrap(), NEEDS, limits=limits, memory=1 << 30).max_open == 4
    assert SandboxPool(Bubblewrap(), NEEDS, limits=limits, memory=1 << 30, max_open=2).max_open == 2
    assert SandboxPool(Bubblewrap(), NEEDS, limits=limits, memory=1).max_open == 1


async def test_warm_up_code_has_run() -> None:
    warmed = SandboxPool(Bubblewrap(), NEEDS, size=1, warm_up="import math\nwarmed = math.pi")
    async with warmed as pool, pool.acquire() as sandbox:
        assert await value(sandbox, "warmed > 3") == "True"


async def test_a_closed_pool_gives_nothing_and_keeps_nothing() -> None:
    pool = SandboxPool(Bubblewrap(), NEEDS, size=2, max_open=2)
    opened: list[Sandbox] = []
    async with pool:
        await warm(pool)
        opened += pool.ready
    assert not pool.ready
    for sandbox in opened:
        with pytest.raises(SandboxUnavailable):
            await sandbox.stats()
    with pytest.raises(SandboxUnavailable, match="closed"):
        async with pool.acquire():
            pass
