"""Podman's API service in the place of Docker's daemon: the same guarantees, the same cases."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from ossia.errors import SandboxUnavailable
from ossia.sandbox import Docker, Sandbox, _docker_api
from ossia.sandbox._attest import missing
from ossia.testing.sandbox_conformance import CASES, NEEDS, Case, Skipped
from ossia.testing.sandbox_conformance._case import opened

from .daemons import clear_below, copy_image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="rootless Podman is not what is tested here"),
    pytest.mark.skipif(not shutil.which("podman"), reason="podman is not installed"),
    pytest.mark.asyncio(loop_scope="module"),
]
SHARED = [case for case in CASES if case.shared]
FRESH = [case for case in CASES if not case.shared]


@pytest.fixture(scope="module")
def service(docker_image: str) -> Iterator[str]:
    """The URL of a Podman service with a storage of its own that holds the `python` image."""
    # A short path: sockets lie in it.
    with tempfile.TemporaryDirectory(prefix="ossia-p-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        podman = ["podman", "--cgroup-manager=cgroupfs", "--storage-driver=overlay"]
        podman += [f"--{option}={folder / option}" for option in ("root", "runroot", "tmpdir")]
        # Its usual runtime, crun, does not start where both versions of control groups are mounted.
        podman += ["--runtime=runc"] if shutil.which("runc") else []
        url = f"unix://{folder}/p.sock"
        # Where it is started a file is left for each container that ran out of memory.
        service_argv = [*podman, "system", "service", "--time=0", url]
        process = subprocess.Popen(service_argv, cwd=folder, start_new_session=True)
        try:
            copy_image(docker_image, [*podman, "load", "--quiet"])
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            clear_below(folder)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def provider(service: str) -> AsyncIterator[Docker]:
    made = Docker(host=service)
    yield made
    await made.aclose()
    assert not containers(service)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared_sandbox(provider: Docker) -> AsyncIterator[Sandbox]:
    """One sandbox for all the cases that leave nothing behind."""
    async with opened(provider, NEEDS) as sandbox:
        yield sandbox


def containers(url: str) -> list[str]:
    client = _docker_api.connect(url)
    try:
        return [container["Id"] for container in client.containers(all=True)]
    finally:
        client.close()


async def test_every_guarantee_holds(shared_sandbox: Sandbox) -> None:
    assert missing(shared_sandbox.guarantees, NEEDS) == []
    assert shared_sandbox.info.description.startswith("podman")


@pytest.mark.parametrize("case", SHARED, ids=str)
async def test_conformance_on_one_sandbox(case: Case, shared_sandbox: Sandbox) -> None:
    try:
        await case.run_on(shared_sandbox)
    except Skipped as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("case", FRESH, ids=str)
async def test_conformance_on_a_fresh_sandbox(case: Case, provider: Docker) -> None:
    await case.run(provider)


HOST = """
import asyncio, sys
from ossia.sandbox import Docker, SandboxNeeds, _owner
async def main():
    sandbox = await Docker(host=sys.argv[1]).open(SandboxNeeds(kernel=True, shell=True))
    print("open", flush=True)
    await sandbox.execute("while True: pass", timeout=600)
asyncio.run(main())
"""


async def test_nothing_is_left_when_the_host_process_is_killed(service: str, shared_sandbox: Sandbox) -> None:
    before = set(containers(service))
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", HOST, service, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert await asyncio.wait_for(owner.stdout.readline(), 60)
    assert set(containers(service)) - before
    await asyncio.sleep(0.5)
    owner.kill()
    await owner.wait()
    for _ in range(100):
        if set(containers(service)) == before:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("a container is left")


async def test_an_image_that_is_not_there_is_told(service: str) -> None:
    provider = Docker(host=service, image="ossia-no-such-image:1")
    with pytest.raises(SandboxUnavailable, match="build or pull it first"):
        await provider.open(NEEDS)
    await provider.aclose()
