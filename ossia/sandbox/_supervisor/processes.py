"""Processes of the sandbox: how they are made ready, found, killed and reaped."""

import ctypes
import os
import resource
import signal
import time
from contextlib import suppress

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def set_dumpable(on: bool) -> None:
    """Off: processes of the same uid can neither trace us nor open our /proc/PID/{mem,fd,environ}."""
    _libc.prctl(_PR_SET_DUMPABLE, int(on), 0, 0, 0)


def limit(rlimits: object) -> None:
    """Take these resource limits on, soft and hard: every process of the sandbox inherits them."""
    assert isinstance(rlimits, dict)
    for name, value in rlimits.items():
        resource.setrlimit(getattr(resource, name), (value, value))


def adopt_orphans() -> None:
    """Where we are not PID 1: orphaned descendants become our children, so that they can be found and reaped."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def be_killed_first() -> None:
    """Make the calling process the one that the OOM killer takes."""
    # A worse choice of victim is no reason not to run.
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def become_child(keep: set[int]) -> None:
    """In a forked child: let go of all that is the supervisor's, every descriptor but `keep` first of all."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in keep:
            # The descriptor that listed the directory is closed by now.
            with suppress(OSError):
                os.close(int(name))
    os.setsid()
    set_dumpable(True)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    be_killed_first()
    os.umask(0o077)


def table() -> dict[int, tuple[int, int]]:
    """Every visible process: pid -> (parent pid, session id)."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    # The command may hold spaces and brackets; what follows its last bracket is regular.
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            found[int(name)] = (int(fields[1]), int(fields[3]))
    return found


def family(root: int) -> set[int]:
    """`root`, its descendants, and everything of its session."""
    processes = table()
    members = {pid for pid, (_, session) in processes.items() if session == root} | {root}
    grown = True
    while grown:
        more = {pid for pid, (parent, _) in processes.items() if parent in members} - members
        grown = bool(more)
        members |= more
    return members


def kill_family(root: int) -> None:
    """Kill `root` with its descendants and session, until none is left that could start another."""
    for _ in range(20):
        members = family(root) & table().keys()
        if not members:
            return
        for pid in members:
            _kill(pid)


def kill_everything(limit: float = 5.0) -> dict[int, int] | None:
    """Kill and reap all processes but our own: pid -> wait status of our children. None: some would not go.

    Zombies count against the limit of processes, so nothing new may start before the last one is reaped.
    """
    statuses: dict[int, int] = {}
    end = time.monotonic() + limit
    while time.monotonic() < end:
        _kill_others()
        try:
            while (reaped := os.waitpid(-1, os.WNOHANG))[0]:
                statuses[reaped[0]] = reaped[1]
        except ChildProcessError:
            if not _others():
                return statuses
        time.sleep(0.002)
    return None


def _others() -> set[int]:
    if os.getpid() == 1:
        return table().keys() - {1}
    return family(os.getpid()) & table().keys() - {os.getpid()}


def _kill_others() -> None:
    if os.getpid() == 1:
        _kill(-1)
        return
    # Without a PID namespace -1 would mean every process of the user.
    for pid in _others():
        _kill(pid)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
