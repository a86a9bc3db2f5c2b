"""What holds inside this sandbox, read before any code of the model runs: the host judges it."""

import ctypes
import os
import resource
import socket
from functools import cache

_AF_VSOCK = 40
_IO_URING_SETUP = 425
_MEMORY_LIMIT = (("", "memory.max"), ("memory", "memory.limit_in_bytes"))
"""Control-group files by the controller that they belong to; version 2 has one hierarchy, which has no name."""
_PROCESS_LIMIT = (("", "pids.max"), ("pids", "pids.max"))
_MEMORY = (("", "memory.current"), ("memory", "memory.usage_in_bytes"))
_PROCESSES = (("", "pids.current"), ("pids", "pids.current"))
_OOM_KILLS = (("", "memory.events"), ("memory", "memory.oom_control"))
Files = tuple[tuple[str, str], ...]


def collect() -> dict[str, object]:
    """Facts as JSON values; sizes in bytes, unreadable ones None."""
    status, mounts = _status(), _mounts()
    return {
        "pid": os.getpid(),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "groups": os.getgroups(),
        "cap_eff": int(status.get("CapEff", "-1"), 16),
        "cap_bnd": int(status.get("CapBnd", "-1"), 16),
        "no_new_privs": status.get("NoNewPrivs") == "1",
        "seccomp": int(status.get("Seccomp", "0")),
        "interfaces": _interfaces(),
        "root_read_only": "ro" in mounts.get("/", ("", ""))[1].split(","),
        "writable": {path: _space(path) for path, (kind, _) in mounts.items() if _can_fill(path, kind)},
        "cgroup": {"memory": memory_limit(own_groups()), "pids": process_limit(own_groups())},
        "nproc": resource.getrlimit(resource.RLIMIT_NPROC)[0],
        "vsock": _socket_opens(_AF_VSOCK),
        "io_uring": _reaches_kernel(_IO_URING_SETUP),
        "docker_socket": any(map(os.path.exists, ("/var/run/docker.sock", "/run/docker.sock"))),
    }


def _status() -> dict[str, str]:
    with open("/proc/self/status") as file:
        pairs = (line.partition(":") for line in file)
        return {name: value.strip() for name, _, value in pairs}


def _interfaces() -> list[str]:
    try:
        with open("/proc/net/dev") as file:
            return [line.partition(":")[0].strip() for line in file.readlines()[2:]]
    except OSError:
        return ["unknown"]


def _mounts() -> dict[str, tuple[str, str]]:
    """Mount point -> (file system type, its own options)."""
    found = {}
    with open("/proc/self/mountinfo") as file:
        for line in file:
            left, _, right = line.partition(" - ")
            fields = left.split()
            found[fields[4]] = (right.split()[0], fields[5])
    return found


def _can_fill(path: str, kind: str) -> bool:
    """True: code of this uid can put files there."""
    return kind not in ("mqueue", "devpts", "proc", "sysfs") and os.path.isdir(path) and os.access(path, os.W_OK)


def _space(path: str) -> int | None:
    try:
        stat = os.statvfs(path)
    except OSError:
        return None
    return stat.f_blocks * stat.f_frsize


def control_groups(process: str = "self", root: str = "") -> dict[str, list[str]]:
    """The control groups of a process, as folders that are seen from here: its own first, then those around it.

    By controller; that of version 2 is "". Both versions may be there at once. `root`: where /proc and /sys lie.
    """
    with open(f"{root}/proc/{process}/cgroup") as file:
        paths = {name: path for _, names, path in map(_three, file) for name in names.split(",")}
    found: dict[str, list[str]] = {}
    with open(f"{root}/proc/self/mountinfo") as file:
        for line in file:
            left, _, right = line.partition(" - ")
            kind, _, options = right.split(maxsplit=2)
            if kind in ("cgroup", "cgroup2"):
                base, point = left.split()[3:5]
                names = [""] if kind == "cgroup2" else options.strip().split(",")
                for name in paths.keys() & set(names):
                    found.setdefault(name, [root + folder for folder in _upwards(paths[name], base, point)])
    return found


def _three(line: str) -> list[str]:
    return line.rstrip("\n").split(":", 2)


def _upwards(path: str, base: str, point: str) -> list[str]:
    """The folder of the group `path` where the group `base` is mounted at `point`, and all above it to `point`."""
    if base != "/":
        # Elsewhere than below what is mounted: it is seen through a namespace, or not at all.
        path = path.removeprefix(base) if f"{path}/".startswith(f"{base}/") else ""
    parts = [part for part in path.split("/") if part]
    if ".." in parts:
        parts = []
    return ["/".join([point, *parts[:depth]]) for depth in range(len(parts), -1, -1)]


@cache
def own_groups() -> dict[str, list[str]]:
    """`control_groups` of this process; where they are told of otherwise than by Linux, the usual folders."""
    usual = {"": ["/sys/fs/cgroup"], "memory": ["/sys/fs/cgroup/memory"], "pids": ["/sys/fs/cgroup/pids"]}
    try:
        return control_groups() or usual
    except (OSError, ValueError):
        return usual


def memory_limit(groups: dict[str, list[str]]) -> str | None:
    """What the first folder of each controller says of memory, in bytes or "max"; None: nothing."""
    return _first(_MEMORY_LIMIT, groups)


def process_limit(groups: dict[str, list[str]]) -> str | None:
    """`memory_limit` for the number of processes."""
    return _first(_PROCESS_LIMIT, groups)


def _first(files: Files, groups: dict[str, list[str]]) -> str | None:
    for controller, name in files:
        for folder in groups.get(controller, [])[:1]:
            try:
                with open(f"{folder}/{name}") as file:
                    return file.read().strip()
            except OSError:
                continue
    return None


def _socket_opens(family: int) -> bool:
    try:
        socket.socket(family, socket.SOCK_STREAM, 0).close()
    except OSError:
        return False
    return True


def _reaches_kernel(number: int) -> bool:
    """True unless the system call is refused before its arguments are looked at."""
    libc = ctypes.CDLL(None, use_errno=True)
    ctypes.set_errno(0)
    libc.syscall(number, -1, 0, 0)
    return ctypes.get_errno() not in (1, 38)  # EPERM, ENOSYS


def oom_kills(groups: dict[str, list[str]] | None = None) -> int | None:
    """How many processes of this cgroup the OOM killer has taken; None where the counter is not visible."""
    text = _first(_OOM_KILLS, own_groups() if groups is None else groups)
    for line in (text or "").splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill":
            return int(value)
    return None


def usage(groups: dict[str, list[str]] | None = None) -> dict[str, int | None]:
    """Memory in bytes and number of processes of all together, where known."""
    groups = own_groups() if groups is None else groups
    memory, pids = _first(_MEMORY, groups), _first(_PROCESSES, groups)
    return {"memory": int(memory) if memory else None, "processes": int(pids) if pids else None}
