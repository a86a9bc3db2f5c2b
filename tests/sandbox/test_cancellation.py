"""Opening and closing, cancelled at each of their awaits; for the calls between, the conformance suite has cases."""

import asyncio
import os

import pytest

from ossia.errors import SandboxUnavailable
from ossia.sandbox import Sandbox, SandboxProvider
from ossia.sandbox._supervised import SupervisedSandbox
from ossia.testing.sandbox_conformance._cancellation import at_every_await, cancelled_at

from .conftest import KERNEL, our_containers
from .test_bubblewrap import descendants, our_groups

PROVIDERS = ["bubblewrap", pytest.param("docker", marks=pytest.mark.slow)]


_SOME = 3
"""docker-py keeps connections for the next question, up to a number; it is reached before anything is counted."""


def held() -> tuple[int, int, int]:
    """Descriptors, tasks and child processes of this process."""
    return len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks()), len(descendants(os.getpid()))


async def first(provider: SandboxProvider) -> tuple[int, int, int]:
    """What is held once its connections are all there."""
    for _ in range(8 if provider.name == "docker" else 1):
        await (await provider.open(KERNEL)).close()
    return held()


async def settles(before: tuple[int, int, int], provider: SandboxProvider) -> None:
    """What is held comes to be what it was before; nothing of ours is left outside either."""
    for _ in range(200):
        left = our_groups() if provider.name == "bubblewrap" else await asyncio.to_thread(our_containers)
        descriptors, tasks, children = held()
        few = descriptors <= before[0] + (_SOME if provider.name == "docker" else 0)
        if few and (tasks, children) == before[1:] and not left:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{held()} and {left}, {before} before")


@pytest.mark.parametrize("provider", PROVIDERS, indirect=True)
async def test_opening_is_cancelled_at_every_await(provider: SandboxProvider) -> None:
    before = await first(provider)

    async def close(opened: object) -> None:
        if opened is not None:
            assert isinstance(opened, SupervisedSandbox)
            await opened.close()
        await settles(before, provider)

    assert await at_every_await(lambda: provider.open(KERNEL), close) > 3


@pytest.mark.parametrize("provider", PROVIDERS, indirect=True)
async def test_closing_is_cancelled_at_every_await(provider: SandboxProvider) -> None:
    before = await first(provider)
    for moment in ("waiting", "resuming"):
        for n in range(1, 20):
            sandbox = await provider.open(KERNEL)
            reached, _ = await cancelled_at(sandbox.close, n, moment)
            await settles(before, provider)
            # It is closed, and may be closed again.
            with pytest.raises(SandboxUnavailable):
                await sandbox.stats()
            await sandbox.close()
            if not reached:
                break
        assert not reached


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the supervisor's descriptors")
@pytest.mark.parametrize("provider", ["bubblewrap"], indirect=True)
async def test_the_supervisor_holds_nothing_of_what_was_cancelled(sandbox: Sandbox) -> None:
    await sandbox.execute("1")

    def descriptors() -> list[int]:
        return [len(os.listdir(f"/proc/{pid}/fd")) for pid in descendants(os.getpid())]

    before = descriptors()
    await at_every_await(lambda: sandbox.put("a", b"x" * 600_000))
    await at_every_await(lambda: sandbox.exec(["cat"], stdin=b"x" * 600_000))
    for _ in range(50):
        if descriptors() == before:
            break
        await asyncio.sleep(0.02)
    assert descriptors() == before
