"""What holds inside this sandbox, read before any code of the model runs: the host judges it."""

import ctypes
import os
import resource
import socket

_AF_VSOCK = 40
_IO_URING_SETUP = 425
_CGROUP = {
    "memory": ("memory.max", "memory/memory.limit_in_bytes"),
    "swap": ("memory.swap.max", "memory/memory.memsw.limit_in_bytes"),
    "pids": ("pids.max", "pids/pids.max"),
    "cpu": ("cpu.max", "cpu/cpu.cfs_quota_us"),
}


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
        "cgroup": {name: _first(files) for name, files in _CGROUP.items()},
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


def _first(files: tuple[str, ...]) -> str | None:
    for name in files:
        try:
            with open(f"/sys/fs/cgroup/{name}") as file:
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


def oom_kills() -> int | None:
    """How many processes of this cgroup the OOM killer has taken; None where the counter is not visible."""
    text = _first(("memory.events", "memory/memory.oom_control"))
    for line in (text or "").splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill":
            return int(value)
    return None


def usage() -> dict[str, int | None]:
    """Memory in bytes, number of processes and processor time in seconds (of all together), where known."""
    memory = _first(("memory.current", "memory/memory.usage_in_bytes"))
    pids = _first(("pids.current", "pids/pids.current"))
    return {"memory": int(memory) if memory else None, "processes": int(pids) if pids else None}
