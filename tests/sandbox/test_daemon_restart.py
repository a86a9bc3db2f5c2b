"""A daemon that is killed or restarted under its sandboxes leaves nobody: shown on a daemon of our own."""

import asyncio
import contextlib
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ossia.errors import SandboxUnavailable
from ossia.sandbox import Docker, Sandbox, SandboxNeeds, _docker_api, _owner
from ossia.testing.sandbox_conformance._case import opened, value

from .conftest import KERNEL
from .daemons import clear_below, copy_image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a daemon"),
    pytest.mark.skipif(not shutil.which("dockerd"), reason="dockerd is not installed"),
    # docker-py leaves a socket to the garbage collector when a daemon that is gone refuses it.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class PrivateDaemon:
    """A dockerd with all that is its own below one folder.

    In a network namespace of its own: while it starts it would remove the bridge of the machine's first daemon.
    """

    def __init__(self, folder: Path) -> None:
        self.url = f"unix://{folder}/d.sock"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        folder = self._folder
        (folder / "daemon.json").write_text(json.dumps({"bridge": "none", "iptables": False}))
        options = {"config-file": "daemon.json", "data-root": "data", "exec-root": "exec", "pidfile": "pid"}
        argv = ["unshare", "--net", "dockerd", "--log-level=error", "-H", self.url]
        argv += [f"--{name}={folder / file}" for name, file in options.items()]
        # Its containerd dies with it; where nobody reaps that, the new one would take it for alive.
        for pid_file in (folder / "pid", folder / "exec/containerd/containerd.pid"):
            pid_file.unlink(missing_ok=True)
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
        _docker_api.connect(self._wait()).close()

    def _wait(self) -> str:
        assert self._process is not None
        for _ in range(300):
            with contextlib.suppress(SandboxUnavailable):
                _docker_api.connect(self.url).close()
                return self.url
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.1)
        raise AssertionError("the private daemon does not answer")

    def end(self, signal_: signal.Signals) -> None:
        """Send it this signal, and wait for its end."""
        assert self._process is not None
        self._process.send_signal(signal_)
        self._process.wait(60)

    def containers(self) -> list[str]:
        """Ids of all its containers."""
        client = _docker_api.connect(self.url)
        try:
            return [container["Id"] for container in client.containers(all=True)]
        finally:
            client.close()

    def clear(self) -> None:
        """End it with all that it started, and let go of what it has mounted."""
        if self._process is not None and self._process.poll() is None:
            self.end(signal.SIGTERM)
        clear_below(self._folder)


@pytest.fixture(scope="module")
def daemon(docker_image: str) -> Iterator[PrivateDaemon]:
    """A private daemon that holds the `python` image."""
    # A short path: sockets lie in it.
    with tempfile.TemporaryDirectory(prefix="ossia-d-", ignore_cleanup_errors=True) as name:
        made = PrivateDaemon(Path(name))
        try:
            made.start()
            copy_image(docker_image, ["docker", "-H", made.url, "load", "--quiet"])
            yield made
        finally:
            made.clear()


@pytest.fixture
async def provider(daemon: PrivateDaemon) -> AsyncIterator[Docker]:
    made = Docker(host=daemon.url)
    yield made
    await made.aclose()
    assert not daemon.containers()
    gc.collect()


async def busy(sandbox: Sandbox) -> "asyncio.Task[object]":
    """A cell that is under way."""
    await sandbox.execute("1")
    task: asyncio.Task[object] = asyncio.create_task(sandbox.execute("import time\ntime.sleep(600)", timeout=600))
    await asyncio.sleep(0.3)
    return task


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
async def test_a_daemon_that_ends_under_its_sandboxes(
    how: signal.Signals, daemon: PrivateDaemon, provider: Docker
) -> None:
    sandboxes = [await provider.open(KERNEL) for _ in range(2)]
    cells = [await busy(sandbox) for sandbox in sandboxes]
    await asyncio.to_thread(daemon.end, how)
    for cell in cells:
        with pytest.raises(SandboxUnavailable, match="gone"):
            await asyncio.wait_for(cell, 15)
    with pytest.raises(SandboxUnavailable):
        await provider.open(KERNEL)
    for sandbox in sandboxes:
        await asyncio.wait_for(sandbox.close(), 20)
    await asyncio.to_thread(daemon.start)
    # Without another word of ours: the same provider goes on, and what was left is gone.
    async with opened(provider, KERNEL) as fresh:
        assert await value(fresh, "1 + 1") == "2"
        assert len(daemon.containers()) == 1


HOST = """
import asyncio, sys
from ossia.sandbox import Docker, SandboxNeeds, _owner
async def main():
    await Docker(host=sys.argv[1]).open(SandboxNeeds(kernel=True, shell=True))
    print(_owner.current().mark(), flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_a_daemon_and_an_owner_that_are_killed_together(daemon: PrivateDaemon, provider: Docker) -> None:
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", HOST, daemon.url, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    mark = (await asyncio.wait_for(owner.stdout.readline(), 60)).decode().strip()
    held = set(daemon.containers())
    assert held
    await asyncio.to_thread(daemon.end, signal.SIGKILL)
    owner.kill()
    await owner.wait()
    await asyncio.to_thread(daemon.start)
    async with opened(provider, SandboxNeeds()):
        assert not held & set(daemon.containers())
    assert mark != _owner.current().mark()
