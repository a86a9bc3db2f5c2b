"""Many sandboxes: at once, and one after another, with what they leave behind.

    python -m bench.sandbox_endurance [--row 1000] [--at-once 32] [--provider docker|bubblewrap]

Memory and descriptors are those of this process; they must be flat. Containers and control groups of this process are
counted at the end; there must be none.
"""

import argparse
import asyncio
import gc
import os
import time
from pathlib import Path

from bench.report import machine, spread
from ossia.sandbox import Bubblewrap, Docker, SandboxNeeds, _docker_api, _owner

NEEDS = SandboxNeeds(kernel=True)


def memory_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def once(provider: Docker | Bubblewrap) -> float:
    """Open, run a cell, close; the seconds to the result."""
    begun = time.perf_counter()
    sandbox = await provider.open(NEEDS)
    try:
        result = await sandbox.execute("1 + 1")
        assert result.status == "ok", result
        return time.perf_counter() - begun
    finally:
        await sandbox.close()


async def at_once(provider: Docker | Bubblewrap, number: int) -> None:
    begun = time.perf_counter()
    results = await asyncio.gather(*(once(provider) for _ in range(number)), return_exceptions=True)
    failed = [result for result in results if isinstance(result, BaseException)]
    times = [result for result in results if isinstance(result, float)]
    spent = time.perf_counter() - begun
    print(f"{number} at once: {len(failed)} failed, all done in {spent:.1f} s, each {spread(times)} s")
    for error in failed[:3]:
        print("  ", repr(error))


async def in_a_row(provider: Docker | Bubblewrap, number: int) -> None:
    await once(provider)
    begun = time.perf_counter()
    for done in range(number + 1):
        if done % max(1, number // 10) == 0:
            gc.collect()
            spent = time.perf_counter() - begun
            print(f"{done:5} closed, {memory_mb():6.1f} MB, {descriptors()} descriptors, {spent:.0f} s", flush=True)
        if done < number:
            await once(provider)


def left_behind() -> int:
    """Containers and control groups of this process."""
    mark = _owner.current().mark()
    groups = [folder for folder in Path("/sys/fs/cgroup").glob(f"**/ossia/{mark}-*") if folder.is_dir()]
    client = _docker_api.connect()
    try:
        return len(groups) + len(client.containers(all=True, filters={"label": f"{_owner.LABEL}={mark}"}))
    finally:
        client.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--provider", choices=("docker", "bubblewrap"), default="docker")
    options = parser.parse_args()
    provider = Docker() if options.provider == "docker" else Bubblewrap()
    print(machine())
    await at_once(provider, options.at_once)
    await in_a_row(provider, options.row)
    await provider.aclose()
    print(f"left behind: {left_behind()}")


if __name__ == "__main__":
    asyncio.run(main())
