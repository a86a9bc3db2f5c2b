"""Nothing is left behind: not after many runs, not after the process was killed."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ossia import Agent, Python
from ossia.sandbox import resolve
from ossia.sandbox.images import list_ours
from ossia.testing import ScriptedEngine

CELL = "<|channel|>analysis to=python code<|message|>print(1)<|call|>"
FINAL = "<|channel|>final<|message|>Done.<|return|>"

KILLED = """
import asyncio, sys
from ossia import Agent, Python
from ossia.testing import ScriptedEngine
CELL = "<|channel|>analysis to=python code<|message|>print('begun', flush=True)\\nwhile True: pass<|call|>"
async def main():
    agent = Agent(engine=ScriptedEngine([CELL]), tools=[Python()], sandbox=sys.argv[1], journal=sys.argv[2])
    async with agent, agent.stream("Loop.") as run:
        async for event in run:
            if type(event).__name__ == "SandboxOpened":
                print("begun", flush=True)
asyncio.run(main())
"""


def left_of(owner: int) -> list[str]:
    """What there is of the sandboxes that a process opened: containers and control groups, by its pid."""
    mark = re.compile(rf"[.-]{owner}[.-]\d+")
    groups = (path for path in Path("/sys/fs/cgroup").rglob("ossia*/*") if path.is_dir())
    return [item for item in (*list_ours(), *map(str, groups)) if mark.search(item)]


def nothing_left_of(owner: int, seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while left_of(owner):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.slow
@pytest.mark.parametrize("sandbox", ["docker", "bubblewrap"])
async def test_a_hundred_runs_leave_nothing(sandbox: str, tmp_path: Path) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    # The second prompt is the longer one: it holds the call and its answer.
    engine = ScriptedEngine(lambda prompt: FINAL if 29010 in prompt[-30:] else CELL)
    gate = asyncio.Semaphore(6)
    async with Agent(engine=engine, tools=[Python()], sandbox=sandbox, journal=tmp_path) as agent:

        async def one(n: int) -> tuple[str, int]:
            async with gate:
                result = await agent.run(f"Run {n}")
                return result.outcome, len(result.tool_calls)

        results = await asyncio.gather(*(one(n) for n in range(100)))
    assert set(results) == {("final", 1)}
    assert nothing_left_of(os.getpid())
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 4


@pytest.mark.parametrize("sandbox", ["docker", "bubblewrap"])
def test_a_killed_process_leaves_nothing_once_the_next_has_started(sandbox: str, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, sandbox, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    assert left_of(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    asyncio.run(start_the_next(sandbox))
    assert nothing_left_of(process.pid)


async def start_the_next(sandbox: str) -> None:
    provider = await resolve(sandbox, Python().needs)
    await (await provider.open(Python().needs)).close()
    await provider.aclose()
