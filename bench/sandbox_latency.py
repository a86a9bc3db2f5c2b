"""Latency and throughput of sandboxes, each beside what it is measured against, in the same round.

    python -m bench.sandbox_latency [--rounds 8] [--provider docker|bubblewrap] [--json FILE]

cold       nothing to the first cell's result, against `docker run --rm IMAGE python3 -c 1`
pool       acquiring a warm sandbox and running a cell, against a warm cell
warm       `1 + 1` in an open sandbox, against an ipykernel on the host that jupyter_client talks to over ipc
cells      twenty cells, against a new container for each (as openai/gpt-oss's docker tool does it)
output     text of one cell up to the cap and, with a raised cap, 10 MB
interrupt  a regular expression that holds the interpreter lock: from the interrupt to the cell's end
idle       memory of a sandbox whose kernel waits
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import docker
from jupyter_client.asynchronous.client import AsyncKernelClient

from bench.reference_cells import reference
from bench.report import machine, spread
from ossia.sandbox import Bubblewrap, Docker, Sandbox, SandboxLimits, SandboxNeeds, images
from ossia.sandbox._environment import make_environment
from ossia.sandbox.pool import SandboxPool

NEEDS = SandboxNeeds(kernel=True, shell=True)
MB = 1_000_000
REGEX = "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')"

Providers = {"docker": Docker, "bubblewrap": Bubblewrap}
Figures = dict[str, object]


async def timed(action: Callable[[], Awaitable[object]]) -> float:
    """Seconds that it takes."""
    begun = time.perf_counter()
    await action()
    return time.perf_counter() - begun


def bare_container() -> None:
    """A new container that does nothing and is removed."""
    options = ["--rm", "--network", "none", "--entrypoint", "python3"]
    subprocess.run(["docker", "run", *options, images.tag("python"), "-c", "1"], check=True, capture_output=True)


@contextlib.asynccontextmanager
async def opened(provider: Docker | Bubblewrap) -> AsyncIterator[Sandbox]:
    sandbox = await provider.open(NEEDS)
    try:
        yield sandbox
    finally:
        await sandbox.close()


async def cold(provider: Docker | Bubblewrap, rounds: int) -> Figures:
    """Seconds, and the ratio within each round."""
    async with opened(provider):
        pass
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(await timed(lambda: asyncio.to_thread(bare_container)))
        begun = time.perf_counter()
        async with opened(provider) as sandbox:
            await sandbox.execute("1 + 1")
            ours.append(time.perf_counter() - begun)
    return {"s": spread(ours), "bare_docker_run_s": spread(theirs), "ratio": ratio(ours, theirs)}


@contextlib.asynccontextmanager
async def host_kernel() -> AsyncIterator[AsyncKernelClient]:
    """An ipykernel of the sandbox's own environment, as a plain process, over ipc."""
    python = make_environment(lambda line: None).python
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "c.json"
        ports = {f"{name}_port": n for n, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), 1)}
        connection = {"transport": "ipc", "ip": f"{folder}/s", "key": "k", "signature_scheme": "hmac-sha256", **ports}
        file.write_text(json.dumps(connection))
        process = await asyncio.create_subprocess_exec(
            str(python),
            "-m",
            "ipykernel_launcher",
            "-f",
            str(file),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        client = AsyncKernelClient()
        client.load_connection_file(str(file))
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=60)
            yield client
        finally:
            client.stop_channels()
            process.kill()
            await process.wait()


async def host_cell(client: AsyncKernelClient) -> None:
    """Run `1 + 1` and wait for its result, its idle status and its reply, as a sandbox does."""
    sent = client.execute("1 + 1")
    while True:
        message = await client.get_iopub_msg(timeout=30)
        ours = message["parent_header"].get("msg_id") == sent
        if ours and message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            break
    await client.get_shell_msg(timeout=30)


async def warm(provider: Docker | Bubblewrap, rounds: int) -> Figures:
    """Milliseconds of a cell: the two take turns in short runs, so that other load falls on both."""
    ours: list[float] = []
    theirs: list[float] = []
    async with opened(provider) as sandbox, host_kernel() as client:
        for _ in range(20):
            await sandbox.execute("1 + 1")
            await host_cell(client)
        for _ in range(rounds * 4):
            ours += [await timed(lambda: sandbox.execute("1 + 1")) * 1e3 for _ in range(25)]
            theirs += [await timed(lambda: host_cell(client)) * 1e3 for _ in range(25)]
    found: Figures = {"cells": len(ours)}
    for name, place in (("p50", 50), ("p99", 99)):
        mine, other = (statistics.quantiles(times, n=100)[place - 1] for times in (ours, theirs))
        found |= {f"{name}_ms": round(mine, 2), f"host_{name}_ms": round(other, 2)}
        found[f"{name}_ratio"] = round(mine / other, 2)
    return found


async def pooled(provider: Docker | Bubblewrap, rounds: int) -> Figures:
    """Milliseconds from asking a pool that has one ready to the first result, in warm cells' time."""
    first, cells = [], []
    async with SandboxPool(provider, NEEDS, size=1, max_open=2) as pool:
        for _ in range(rounds):
            # The refill for the one before ends within this time, and the machine comes to rest.
            await asyncio.sleep(3)
            assert pool.ready
            begun = time.perf_counter()
            async with pool.acquire() as sandbox:
                await sandbox.execute("1 + 1")
                first.append((time.perf_counter() - begun) * 1e3)
                warm_cells = [await timed(lambda s=sandbox: s.execute("1 + 1")) * 1e3 for _ in range(20)]  # type: ignore[misc]
                cells.append(statistics.median(warm_cells))
    return {"first_ms": spread(first), "warm_cell_ms": spread(cells), "ratio": ratio(first, cells)}


async def twenty(provider: Docker | Bubblewrap, rounds: int) -> Figures:
    """Seconds for twenty cells, warm and with the sandbox's start, against twenty containers."""
    client = docker.from_env()
    started, ours, theirs = [], [], []
    for _ in range(max(2, rounds // 4)):
        begun = time.perf_counter()
        async with opened(provider) as sandbox:
            await sandbox.execute("1 + 1")
            ready = time.perf_counter()
            for _ in range(20):
                await sandbox.execute("print(1 + 1)")
            ended = time.perf_counter()
        started.append(ended - begun)
        ours.append(ended - ready)
        theirs.append(await timed(lambda: asyncio.to_thread(reference, client, 20)))
    client.close()
    return {
        "in_an_open_sandbox_s": spread(ours, 3),
        "with_its_start_s": spread(started),
        "containers_s": spread(theirs),
        "times_faster_open": round(1 / ratio(ours, theirs, 5), 1),
        "times_faster_with_start": round(1 / ratio(started, theirs, 5), 1),
    }


async def output(name: str, rounds: int) -> Figures:
    """Megabytes a second of text that one cell prints, from sending the cell to its result."""
    found: Figures = {}
    for size, cap in ((4, 4_500_000), (10, 12_000_000)):
        limits = SandboxLimits(output_bytes=cap)
        provider = Docker(limits=limits) if name == "docker" else Bubblewrap(limits=limits)
        async with opened(provider) as sandbox:
            await sandbox.execute("1")
            code = f"print('x' * {size * MB})"
            seconds = [await timed(lambda c=code, s=sandbox: s.execute(c)) for _ in range(rounds)]  # type: ignore[misc]
            result = await sandbox.execute(code)
            assert result.dropped_bytes == 0
        await provider.aclose()
        found[f"{size}_MB_per_s"] = spread([size / s for s in seconds], 0)
    return found


async def interrupt(provider: Docker | Bubblewrap, rounds: int) -> Figures:
    """Milliseconds."""
    times = []
    async with opened(provider) as sandbox:
        await sandbox.execute("1")
        for _ in range(rounds):
            cell = asyncio.create_task(sandbox.execute(REGEX))
            await asyncio.sleep(0.3)
            begun = time.perf_counter()
            await sandbox.interrupt()
            await cell
            times.append((time.perf_counter() - begun) * 1e3)
    return {"ms": spread(times, 0)}


async def restart(provider: Docker | Bubblewrap, rounds: int) -> Figures:
    """Seconds from asking for a restart to the new kernel's first result."""
    times = []
    async with opened(provider) as sandbox:
        await sandbox.execute("1")
        for _ in range(rounds):
            begun = time.perf_counter()
            await sandbox.restart()
            await sandbox.execute("1 + 1")
            times.append(time.perf_counter() - begun)
    return {"s": spread(times)}


async def idle(provider: Docker | Bubblewrap, rounds: int) -> Figures:
    """Megabytes of memory that the control group counts."""
    sizes = []
    for _ in range(max(1, rounds // 4)):
        async with opened(provider) as sandbox:
            await sandbox.execute("1 + 1")
            await asyncio.sleep(0.5)
            sizes.append(((await sandbox.stats()).memory or 0) / MB)
    return {"MB": spread(sizes, 1)}


def ratio(ours: Sequence[float], theirs: Sequence[float], digits: int = 2) -> float:
    """The median of the ratios within each round."""
    return round(statistics.median([o / t for o, t in zip(ours, theirs, strict=True)]), digits)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--provider", choices=Providers, default="docker")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    provider = Providers[options.provider]()
    rounds = options.rounds
    print(machine())
    measures: dict[str, Callable[[], Awaitable[Figures]]] = {
        # More rounds: a start is short, and other work on the machine falls on one side of a round more easily.
        "cold": lambda: cold(provider, rounds * 3),
        "warm": lambda: warm(provider, rounds),
        "pool": lambda: pooled(provider, rounds),
        "cells": lambda: twenty(provider, rounds),
        "output": lambda: output(options.provider, rounds),
        "interrupt": lambda: interrupt(provider, rounds),
        "restart": lambda: restart(provider, rounds),
        "idle": lambda: idle(provider, rounds),
    }
    found: dict[str, Figures] = {}
    for name, measure in measures.items():
        found[name] = await measure()
        print(f"{name:10}", ", ".join(f"{key} {value}" for key, value in found[name].items()), flush=True)
    await provider.aclose()
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "provider": options.provider, **found}, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
