"""What is Docker's own: the daemon's faults, images, and what is left when a process dies."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ossia.errors import SandboxUnavailable
from ossia.sandbox import Docker, SandboxNeeds, _docker_api, _owner, images
from ossia.sandbox import docker as docker_module

from .conftest import KERNEL, our_containers
from .daemons import relayed

pytestmark = pytest.mark.usefixtures("docker_image")

DEAD = "00000000-0000-0000-0000-000000000000.1.1.1"
"""The mark of an owner of an earlier boot."""


async def gone(owner: str, seconds: float = 10.0) -> bool:
    """True once the daemon holds no container of this owner."""
    for _ in range(int(seconds / 0.1)):
        if not await asyncio.to_thread(our_containers, owner):
            return True
        await asyncio.sleep(0.1)
    return False


async def test_the_image_is_pinned_by_its_digest() -> None:
    provider = Docker()
    sandbox = await provider.open(SandboxNeeds())
    assert sandbox.info.image == images.image_status().digest
    assert (sandbox.info.image or "").startswith("sha256:")
    await sandbox.close()
    await provider.aclose()


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (Docker(host="unix:///nonexistent/docker.sock"), "no container daemon answers"),
        (Docker(host="tcp://127.0.0.1:1"), "no container daemon answers"),
        (Docker(host="nonsense"), "no container daemon answers"),
        (Docker(image="ossia-no-such-image:1"), "build or pull it first"),
        (Docker(runtime="no-such-runtime"), "runtime"),
    ],
    ids=["socket", "port", "url", "image", "runtime"],
)
async def test_what_cannot_be_had_is_one_sentence_and_leaves_nothing(provider: Docker, said: str) -> None:
    with pytest.raises(SandboxUnavailable, match=said) as raised:
        await provider.open(KERNEL)
    assert "\n" not in str(raised.value)
    await provider.aclose()
    assert not our_containers()


async def test_a_socket_without_permission_is_told(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    # A server that hangs up is no daemon: that too is a sentence and not a traceback.
    async with await asyncio.start_unix_server(refuse, str(tmp_path / "d.sock")):
        with pytest.raises(SandboxUnavailable, match="no container daemon answers"):
            await Docker(host=f"unix://{tmp_path}/d.sock").open(KERNEL)


async def test_a_profile_that_is_not_json_is_told_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_module, "docker_profile", lambda: "no json")
    provider = Docker()
    with pytest.raises(SandboxUnavailable, match="seccomp"):
        await provider.open(KERNEL)
    await provider.aclose()
    assert not our_containers()


async def test_a_container_that_is_killed_from_outside_is_our_failure() -> None:
    provider = Docker()
    sandbox = await provider.open(KERNEL)
    cell = asyncio.create_task(sandbox.execute("import time\ntime.sleep(60)"))
    await asyncio.sleep(1)
    client = _docker_api.connect()
    client.kill(our_containers()[0])
    client.close()
    with pytest.raises(SandboxUnavailable, match="gone"):
        await asyncio.wait_for(cell, 10)
    with pytest.raises(SandboxUnavailable, match="gone"):
        await sandbox.exec(["true"])
    await sandbox.close()
    await provider.aclose()
    assert await gone(_owner.current().mark())


async def test_a_daemon_that_dies_in_the_middle_is_our_failure_at_once(tmp_path: Path) -> None:
    async with relayed(tmp_path / "d.sock") as relay:
        provider = Docker(host=f"unix://{tmp_path}/d.sock")
        sandbox = await provider.open(KERNEL)
        assert (await sandbox.execute("1 + 1")).status == "ok"
        cell = asyncio.create_task(sandbox.execute("import time\ntime.sleep(60)"))
        await asyncio.sleep(0.3)
        relay.dead.set()
        with pytest.raises(SandboxUnavailable):
            await asyncio.wait_for(cell, 10)
        await asyncio.wait_for(sandbox.close(), 20)
        with pytest.raises(SandboxUnavailable):
            await provider.open(KERNEL)
        await provider.aclose()
    # The stream to its stdin has ended, and so has the container.
    assert await gone(_owner.current().mark())


HOST = """
import asyncio, sys
from ossia.sandbox import Docker, SandboxNeeds, _owner
async def main():
    sandbox = await Docker().open(SandboxNeeds(kernel=True, shell=True))
    await sandbox.execute("1")
    cell = asyncio.create_task(sandbox.execute(sys.argv[1], timeout=600))
    await asyncio.sleep(0.7)
    print(_owner.current().mark(), flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""

STATES = {
    "idle": "pass",
    "busy": "while True: pass",
    "holding the lock": "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')",
    "all stopped": "import os, signal\nos.kill(-1, signal.SIGSTOP)",
    "fork bomb": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
}


@pytest.mark.parametrize("state", STATES)
async def test_nothing_is_left_when_the_host_process_is_killed(state: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOST, STATES[state], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    owner = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
    assert await asyncio.to_thread(our_containers, owner)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert await gone(owner)


async def test_what_a_dead_owner_left_is_removed_at_the_next_start() -> None:
    client = _docker_api.connect()
    # Created and never started: nothing would ever end it by itself.
    left = client.create_container(images.tag("python"), command=["true"], labels={_owner.LABEL: DEAD})["Id"]
    ours = client.create_container(images.tag("python"), command=["true"], labels=dict(_owner.labels()))["Id"]
    provider = Docker()
    sandbox = await provider.open(SandboxNeeds())
    await sandbox.close()
    await provider.aclose()
    present = {container["Id"] for container in client.containers(all=True, filters={"label": _owner.LABEL})}
    assert left not in present
    assert ours in present
    client.remove_container(ours)
    client.close()


async def test_what_runs_for_the_owner_of_another_machine_is_left_alone() -> None:
    """A socket that was forwarded looks like one of this machine; no container of ours survives a reboot."""
    client = _docker_api.connect()
    argv = ["python3", "-c", "import time\ntime.sleep(60)"]
    theirs = client.create_container(images.tag("python"), command=argv, labels={_owner.LABEL: DEAD})["Id"]
    client.start(theirs)
    provider = Docker()
    await (await provider.open(SandboxNeeds())).close()
    await provider.aclose()
    assert client.inspect_container(theirs)["State"]["Running"]
    client.remove_container(theirs, force=True)
    client.close()


@pytest.mark.slow
async def test_opening_can_be_cancelled_at_any_moment_and_leaves_nothing() -> None:
    provider = Docker()
    await (await provider.open(SandboxNeeds())).close()
    for step in range(12):
        task = asyncio.create_task(provider.open(KERNEL))
        await asyncio.sleep(0.05 * step)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            await task.result().close()
    await provider.aclose()
    assert await gone(_owner.current().mark())


async def test_closing_can_be_cancelled_and_the_container_goes_all_the_same() -> None:
    provider = Docker()
    sandbox = await provider.open(KERNEL)
    task = asyncio.create_task(sandbox.close())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert await gone(_owner.current().mark())
    await sandbox.close()
    await provider.aclose()


async def test_only_what_is_named_is_passed_on_and_the_host_environment_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSSIA_TEST_SECRET", "hidden")
    provider = Docker(env={"GIVEN": "yes"})
    sandbox = await provider.open(KERNEL)
    seen = (await sandbox.exec(["env"])).stdout
    assert "GIVEN=yes" in seen
    assert "hidden" not in seen
    await sandbox.close()
    await provider.aclose()
