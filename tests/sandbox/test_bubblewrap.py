"""What is bubblewrap's own: bounds with and without control groups, and what is left when a process dies."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from ossia.errors import SandboxUnavailable
from ossia.sandbox import Bubblewrap, SandboxNeeds, _cgroups, _kernel, _owner
from ossia.sandbox.protocol import SandboxLimits

from .conftest import KERNEL

pytestmark = pytest.mark.usefixtures("kernel_environment")

TRUSTED = SandboxNeeds(kernel=True, shell=True, trusted=True)
can_make_groups = pytest.mark.skipif(
    (group := _cgroups.create(SandboxLimits())) is None, reason="control groups cannot be made here"
)
if group:
    group.remove()


def our_groups(owner: str | None = None) -> list[Path]:
    """The control groups of an owner; this process, where left out."""
    mark = owner or _owner.current().mark()
    return [folder for folder in Path("/sys/fs/cgroup").glob(f"**/ossia/{mark}-*") if folder.is_dir()]


@can_make_groups
async def test_with_control_groups_every_bound_holds_and_they_are_removed() -> None:
    provider = Bubblewrap()
    sandbox = await provider.open(KERNEL)
    assert sandbox.guarantees.memory
    assert our_groups()
    await sandbox.close()
    assert not our_groups()


async def test_without_control_groups_untrusted_code_is_refused() -> None:
    provider = Bubblewrap(control_groups=False)
    with pytest.raises(SandboxUnavailable, match="a memory limit"):
        await provider.open(KERNEL)


async def test_without_control_groups_trusted_code_runs_under_the_limits_of_its_processes() -> None:
    sandbox = await Bubblewrap(control_groups=False).open(TRUSTED)
    claims = sandbox.guarantees
    assert (claims.memory, claims.processes, claims.no_network, claims.syscall_filter) == (False, True, True, True)
    assert (await sandbox.execute("hog = bytearray(1 << 30)")).status == "error"
    bomb = (
        "import os, time\nn = 0\n"
        "try:\n"
        "    while n < 500:\n"
        "        if os.fork() == 0:\n            time.sleep(30); os._exit(0)\n"
        "        n += 1\n"
        "except OSError: pass\n"
        "n < 100"
    )
    result = await sandbox.execute(bomb)
    assert result.status == "ok", result
    assert "True" in str(result.outputs[-1])
    await sandbox.close()


async def test_systemd_is_not_taken_at_its_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `systemd-run` that starts the program without any limit is found out by the attestation."""
    pretender = tmp_path / "systemd-run"
    pretender.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n')
    pretender.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    monkeypatch.setattr(_cgroups, "create", lambda limits: None)
    prefix = _cgroups.scope_command(SandboxLimits())
    assert prefix[0] == "systemd-run"
    assert f"MemoryMax={512 << 20}" in prefix
    monkeypatch.setattr(_cgroups, "scope", lambda limits: [str(pretender), *prefix[1:]])
    with pytest.raises(SandboxUnavailable, match="a memory limit"):
        await Bubblewrap().open(KERNEL)


async def test_the_users_of_the_host_and_their_files_are_not_there() -> None:
    sandbox = await Bubblewrap(control_groups=False).open(TRUSTED)
    seen = (await sandbox.exec(["ls", "/"])).stdout
    assert not {"root", "home", "var", "srv", "run"} & set(seen.split())
    assert (await sandbox.exec(["cat", "/etc/shadow"])).code == 1
    await sandbox.close()


@pytest.mark.parametrize(("profile", "code"), [("python", 126), ("coding", 0)])
async def test_only_the_profile_for_coding_executes_what_was_written(
    profile: Literal["python", "coding"], code: int
) -> None:
    sandbox = await Bubblewrap(profile, control_groups=False).open(TRUSTED)
    written = await sandbox.exec(["sh", "-c", "cp /bin/true here && ./here"])
    assert written.code == code, written
    await sandbox.close()


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs: other sandboxes on this machine are none of ours."""
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()
    ]
    return [*children, *(found for child in children for found in descendants(child))]


@pytest.mark.skipif(os.geteuid() != 0, reason="root only")
async def test_root_becomes_nobody_outside_too() -> None:
    """Root in a user namespace would still own root's files outside of it."""
    sandbox = await Bubblewrap(control_groups=False).open(TRUSTED)
    programs = [path.parent for path in Path("/proc").glob("[0-9]*/cmdline") if b"sys.path[:] =" in path.read_bytes()]
    uids = {line for folder in programs for line in (folder / "status").read_text().splitlines() if "Uid:" in line}
    assert uids == {"Uid:\t65534\t65534\t65534\t65534"}
    await sandbox.close()


async def test_without_the_program_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match="apt install bubblewrap"):
        await Bubblewrap().open(KERNEL)


async def test_a_root_that_is_none_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(SandboxUnavailable, match="did not start"):
        await Bubblewrap(root=tmp_path).open(TRUSTED)
    assert not our_groups()


HOST = """
import asyncio
from ossia.sandbox import Bubblewrap, SandboxNeeds, _owner
async def main():
    sandbox = await Bubblewrap().open(SandboxNeeds(kernel=True, shell=True, trusted=True))
    await sandbox.execute("1")
    cell = asyncio.create_task(sandbox.execute("while True: pass", timeout=600))
    await asyncio.sleep(0.5)
    print(_owner.current().mark(), flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_nothing_is_left_when_the_host_process_is_killed() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HOST, stdout=subprocess.PIPE)
    assert process.stdout is not None
    owner = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
    held = our_groups(owner)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    for _ in range(50):
        if not any((folder / "cgroup.procs").read_text().strip() for folder in held):
            break
        await asyncio.sleep(0.1)
    else:
        raise AssertionError("processes are left")
    # The empty groups go when the next sandbox is opened.
    sandbox = await Bubblewrap().open(TRUSTED)
    await sandbox.close()
    assert not our_groups(owner)


async def test_opening_can_be_cancelled_at_any_moment_and_leaves_nothing() -> None:
    provider = Bubblewrap()
    for step in range(10):
        task = asyncio.create_task(provider.open(TRUSTED))
        await asyncio.sleep(0.02 * step)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            await task.result().close()
    assert not our_groups()


async def test_a_supervisor_that_no_longer_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that waits for memory, say: a cell ends all the same, and so does the sandbox."""
    monkeypatch.setattr(_kernel, "INTERRUPT_GRACE", 0.5)
    monkeypatch.setattr(_kernel, "KILL_TIMEOUT", 0.5)
    others = descendants(os.getpid())
    sandbox = await Bubblewrap(control_groups=False).open(TRUSTED)
    running = asyncio.create_task(sandbox.execute("import time\ntime.sleep(60)", timeout=2))
    await asyncio.sleep(1)
    inside = set(descendants(os.getpid())) - set(others)
    for pid in inside:
        os.kill(pid, signal.SIGSTOP)
    with pytest.raises(SandboxUnavailable, match=r"gone: its processes were not killed within"):
        await asyncio.wait_for(running, 20)
    with pytest.raises(SandboxUnavailable, match=r"gone: its processes were not killed within"):
        await sandbox.execute("1")
    await sandbox.close()
    assert not inside & set(descendants(os.getpid()))
