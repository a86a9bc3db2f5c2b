"""20 cells in one sandbox of ossia, beside the reference way: a new container for each call.

    python -m bench.reference_cells [--rounds 5] [--cells 20]

The reference way is what the docker tool of openai/gpt-oss does for each call, in the same daemon, with the same image:
create a container that sleeps, start it, copy the script in, execute it, remove the container. Each round runs it and
ossia one after the other, so that other load falls on both. Behind that, a sandbox from nothing to its first result
beside a bare `docker run IMAGE python3 -c 1`.
"""

import argparse
import asyncio
import io
import subprocess
import tarfile
import time
from collections.abc import Callable

import docker

from bench.report import machine, spread
from ossia import Docker, Python
from ossia.sandbox.images import tag

CODE = "print(1 + 1)"


def archive(text: str) -> bytes:
    """`text` as script.py in a tar archive, as the docker API takes files."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        info = tarfile.TarInfo("script.py")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    return data.getvalue()


def reference(client: docker.DockerClient, cells: int) -> None:
    """The reference way."""
    for _ in range(cells):
        container = client.containers.create(tag("python"), command="sleep infinity", detach=True, user="root")
        try:
            container.start()
            container.put_archive("/tmp", archive(CODE))
            output = container.exec_run("python3 /tmp/script.py").output
            assert output == b"2\n", output
        finally:
            container.remove(force=True)


async def ours(cells: int) -> None:
    """As many cells in one sandbox, from its start to its end."""
    provider = Docker()
    sandbox = await provider.open(Python().needs)
    for _ in range(cells):
        result = await sandbox.execute(CODE)
        assert result.status == "ok", result
    await sandbox.close()
    await provider.aclose()


async def first_result() -> float:
    """Seconds from nothing to the first result; the sandbox is closed afterwards."""
    started = time.perf_counter()
    provider = Docker()
    sandbox = await provider.open(Python().needs)
    await sandbox.execute(CODE)
    seconds = time.perf_counter() - started
    await sandbox.close()
    await provider.aclose()
    return seconds


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def bare_run() -> None:
    subprocess.run(["docker", "run", "--rm", "--network", "none", tag("python"), "python3", "-c", "1"], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cells", type=int, default=20)
    arguments = parser.parse_args()
    client = docker.from_env()
    asyncio.run(ours(1))  # warm caches of both
    reference(client, 1)
    theirs, mine, bare, cold = [], [], [], []
    for _ in range(arguments.rounds):
        theirs.append(timed(lambda: reference(client, arguments.cells)))
        mine.append(timed(lambda: asyncio.run(ours(arguments.cells))))
        for _ in range(3):
            bare.append(timed(bare_run))
            cold.append(asyncio.run(first_result()))
    warm = asyncio.run(warm_cells(arguments.cells, arguments.rounds))
    print(machine())
    print(f"{arguments.rounds} rounds, median (min-max)")
    print(f"{arguments.cells} cells, a container each: {spread(theirs)} s")
    print(f"{arguments.cells} cells, one sandbox, start and end included: {spread(mine)} s")
    print(f"ratio: {spread([a / b for a, b in zip(theirs, mine, strict=True)], 1)}")
    print(f"{arguments.cells} cells, one sandbox that stands: {spread(warm, 3)} s")
    print(f"ratio to that: {spread([a / b for a, b in zip(theirs, warm, strict=True)], 1)}")
    print(f"docker run IMAGE python3 -c 1: {spread(bare)} s")
    print(f"sandbox from nothing to its first result: {spread(cold)} s")
    print(f"ratio: {spread([a / b for a, b in zip(cold, bare, strict=True)])}")


async def warm_cells(cells: int, rounds: int) -> list[float]:
    """Seconds of so many cells in a sandbox that stands already."""
    provider = Docker()
    sandbox = await provider.open(Python().needs)
    await sandbox.execute(CODE)
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(cells):
            await sandbox.execute(CODE)
        taken.append(time.perf_counter() - started)
    await sandbox.close()
    await provider.aclose()
    return taken


if __name__ == "__main__":
    main()
