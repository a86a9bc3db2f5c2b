"""Control groups for sandboxes without a daemon: made where this process may make them."""

import itertools
import os
import shutil
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ossia.sandbox import _owner
from ossia.sandbox._supervisor import facts
from ossia.sandbox.protocol import SandboxLimits

_ROOT = Path("/sys/fs/cgroup")
_PARENT = "ossia"
_PERIOD = 100_000
_serial = itertools.count()


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """The control group of one sandbox: one folder (version 2), or one for each controller (version 1)."""

    folders: tuple[Path, ...]
    unified: bool

    @property
    def join_files(self) -> list[str]:
        """A process joins by writing its pid into each of these."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def binds(self) -> list[tuple[str, str]]:
        """What to show inside, read-only: the folder and where it belongs."""
        if self.unified:
            return [(str(self.folders[0]), str(_ROOT))]
        return [(str(folder), str(_ROOT / folder.relative_to(_ROOT).parts[0])) for folder in self.folders]

    def remove(self) -> None:
        """Remove it; its processes must have ended (which the kernel may take a moment to notice)."""
        for folder in self.folders:
            for _ in range(50):
                with suppress(OSError):
                    folder.rmdir()
                if not folder.exists():
                    break
                time.sleep(0.02)


def create(limits: SandboxLimits) -> ControlGroup | None:
    """A control group with these limits, owned by this process; None where none can be made."""
    name = f"{_owner.current().mark()}-{next(_serial)}"
    return _create_unified(name, limits) or _create_split(name, limits)


def scope(limits: SandboxLimits) -> list[str]:
    """The command line before `bwrap` that has the user's systemd make a control group; empty where there is none.

    Whether the limits then hold is not taken on trust: `limits_of` is asked once the sandbox runs.
    """
    if os.geteuid() == 0 or not shutil.which("systemd-run") or not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return []
    return scope_command(limits)


def scope_command(limits: SandboxLimits) -> list[str]:
    """The command line of `scope`, to which the program's own is added."""
    properties = [f"MemoryMax={limits.memory}", "MemorySwapMax=0", f"TasksMax={limits.processes}"]
    properties.append(f"CPUQuota={int(limits.cpus * 100)}%")
    options = [word for item in properties for word in ("-p", item)]
    return ["systemd-run", "--user", "--scope", "--quiet", "--collect", *options, "--"]


def limits_of(pid: int, root: str = "") -> tuple[int | None, int | None]:
    """Memory in bytes and processes that control groups allow to `pid`, and not to us with it; None: no limit is seen.

    A limit above counts as one of its own does, unless we are under it too: then it bounds nobody but us as well.
    `root`: where /proc and /sys lie.
    """
    try:
        theirs, ours = (facts.control_groups(process, root) for process in (str(pid), "self"))
    except (OSError, ValueError):
        return None, None
    alone = [
        {controller: [folder]}
        for controller, folders in theirs.items()
        for folder in folders
        if folder not in ours.get(controller, [])
    ]
    return _least(map(facts.memory_limit, alone)), _least(map(facts.process_limit, alone))


def _least(limits: Iterable[str | None]) -> int | None:
    return min((int(text) for text in limits if text and text.isdigit()), default=None)


def reap() -> list[str]:
    """Remove the control groups whose owner has died; their names."""
    gone = []
    parents = [_ROOT / _PARENT, *(_ROOT / controller / _PARENT for controller in _v1_settings(SandboxLimits()))]
    for parent in parents:
        with suppress(OSError):
            for folder in list(parent.iterdir()):
                owner = _owner.Owner.parse(folder.name.rpartition("-")[0])
                if folder.is_dir() and owner and owner.is_gone(same_machine=True):
                    _kill(folder)
                    ControlGroup((folder,), unified=False).remove()
                    if not folder.exists():
                        gone.append(folder.name)
    return gone


def _kill(folder: Path) -> None:
    """End what still runs in a control group whose owner has died: it dies with its owner, but maybe not yet."""
    with suppress(OSError):
        for pid in (folder / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def _create_unified(name: str, limits: SandboxLimits) -> ControlGroup | None:
    if not (_ROOT / "cgroup.controllers").exists():
        return None
    parent, folder = _ROOT / _PARENT, _ROOT / _PARENT / name
    try:
        parent.mkdir(exist_ok=True)
        for above in (_ROOT, parent):
            (above / "cgroup.subtree_control").write_text("+memory +pids +cpu")
        folder.mkdir()
        _write(folder, _v2_settings(limits))
    except OSError:
        _discard([folder])
        return None
    return ControlGroup((folder,), unified=True)


def _create_split(name: str, limits: SandboxLimits) -> ControlGroup | None:
    folders: list[Path] = []
    try:
        for controller, settings in _v1_settings(limits).items():
            parent = _ROOT / controller / _PARENT
            parent.mkdir(exist_ok=True)
            folders.append(parent / name)
            folders[-1].mkdir()
            _write(folders[-1], settings)
    except OSError:
        _discard(folders)
        return None
    return ControlGroup(tuple(folders), unified=False)


def _v2_settings(limits: SandboxLimits) -> dict[str, str]:
    return {
        "memory.max": str(limits.memory),
        "memory.swap.max": "0",
        "pids.max": str(limits.processes),
        "cpu.max": f"{int(limits.cpus * _PERIOD)} {_PERIOD}",
    }


def _v1_settings(limits: SandboxLimits) -> dict[str, dict[str, str]]:
    return {
        "memory": {
            "memory.limit_in_bytes": str(limits.memory),
            "memory.memsw.limit_in_bytes": str(limits.memory),
        },
        "pids": {"pids.max": str(limits.processes)},
        "cpu": {"cpu.cfs_period_us": str(_PERIOD), "cpu.cfs_quota_us": str(int(limits.cpus * _PERIOD))},
    }


def _write(folder: Path, settings: dict[str, str]) -> None:
    for file, value in settings.items():
        # Swap is not accounted on every kernel; where it is not, there is nothing to bound it with.
        if "sw" in file and not (folder / file).exists():
            continue
        (folder / file).write_text(value)


def _discard(folders: Sequence[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            os.rmdir(folder)
