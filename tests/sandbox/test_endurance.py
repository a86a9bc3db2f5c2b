"""Many sandboxes, and one that misbehaves beside another."""

import asyncio
import gc
import os
import time
from pathlib import Path

import pytest

from ossia.sandbox import Docker, SandboxNeeds, SandboxProvider
from ossia.testing.sandbox_conformance._case import opened, value

from .conftest import BOUNDED, our_containers

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("docker_image")]

NEEDS = SandboxNeeds(kernel=True)
BOMBS = {
    "memory": "hog = []\nwhile True: hog.append(bytearray(10_000_000))",
    "fork": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "output": "while True: print('x' * 10_000)",
    "disk": "while True:\n    try: open('f', 'ab').write(b'x' * 1_000_000)\n    except OSError: pass",
}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def memory() -> int:
    """Resident bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def once(provider: SandboxProvider) -> None:
    async with opened(provider, NEEDS) as sandbox:
        assert await value(sandbox, "1 + 1", timeout=120) == "2"


@pytest.mark.parametrize("provider", BOUNDED, indirect=True)
async def test_memory_and_descriptors_stay_flat_over_many_sandboxes(provider: SandboxProvider) -> None:
    for _ in range(10):
        await once(provider)
    gc.collect()
    open_before, memory_before = descriptors(), memory()
    for _ in range(60):
        await once(provider)
    gc.collect()
    assert descriptors() <= open_before + 2
    assert memory() - memory_before < 15_000_000


async def test_thirty_two_at_once_all_start() -> None:
    provider = Docker()
    await asyncio.gather(*(once(provider) for _ in range(32)))
    await provider.aclose()
    assert not our_containers()


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_neighbour_keeps_answering(bomb: str) -> None:
    provider = Docker()
    async with opened(provider, NEEDS) as hostile, opened(provider, NEEDS) as neighbour:
        await neighbour.execute("1")
        attack = asyncio.create_task(hostile.execute(BOMBS[bomb], timeout=6))
        worst = 0.0
        while not attack.done():
            begun = time.monotonic()
            assert await value(neighbour, "1 + 1") == "2"
            worst = max(worst, time.monotonic() - begun)
            await asyncio.sleep(0.05)
        result = await attack
        assert result.status in ("timeout", "killed", "oom"), result.status
        assert worst < 3
        assert await value(hostile, "1 + 1") == "2"
    await provider.aclose()
