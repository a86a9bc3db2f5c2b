"""Judging what a supervisor reports of its own bounds: a guarantee holds only if it was seen to hold."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from ossia.errors import SandboxUnavailable
from ossia.sandbox.protocol import MIB, Guarantees, SandboxLimits, SandboxNeeds
from ossia.types import JsonValue

_ROUNDING = 1 * MIB

_WHAT = {
    "isolated_files": "files of its own",
    "no_network": "no network",
    "no_privileges": "no privileges",
    "syscall_filter": "a filter of system calls",
    "memory": "a memory limit",
    "processes": "a limit of processes",
    "disk": "a limit of disk space",
    "dies_with_host": "an end with the process that opened it",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the supervisor found before any other code ran."""

    uid: int
    cap_eff: int
    cap_bnd: int
    no_new_privs: bool
    seccomp: int
    interfaces: tuple[str, ...]
    root_read_only: bool
    writable: Mapping[str, int | None]
    """Directories that can be written to, as mount point -> size of their file system in bytes."""
    memory_limit: int | None
    """Bytes; None: no limit is visible from inside."""
    process_limit: int | None
    vsock: bool
    io_uring: bool
    docker_socket: bool

    @classmethod
    def from_json(cls, value: JsonValue) -> "Facts":
        """Raises `SandboxUnavailable` where it does not have the form."""
        try:
            assert isinstance(value, Mapping)
            cgroup, writable, interfaces = value["cgroup"], value["writable"], value["interfaces"]
            assert isinstance(cgroup, Mapping)
            assert isinstance(writable, Mapping)
            assert isinstance(interfaces, list)
            pids = [p for p in (_limit(cgroup["pids"]), _limit(value["nproc"])) if p is not None]
            return cls(
                uid=_int(value["uid"]),
                cap_eff=_int(value["cap_eff"]),
                cap_bnd=_int(value["cap_bnd"]),
                no_new_privs=value["no_new_privs"] is True,
                seccomp=_int(value["seccomp"]),
                interfaces=tuple(map(str, interfaces)),
                root_read_only=value["root_read_only"] is True,
                writable={path: size if isinstance(size, int) else None for path, size in writable.items()},
                memory_limit=_limit(cgroup["memory"]),
                process_limit=min(pids, default=None),
                vsock=value["vsock"] is not False,
                io_uring=value["io_uring"] is not False,
                docker_socket=value["docker_socket"] is not False,
            )
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            raise SandboxUnavailable(f"the sandbox's attestation cannot be read: {error!r}") from error


def judge(facts: Facts, limits: SandboxLimits, *, beside: int) -> Guarantees:
    """Which guarantees these facts show. `beside`: bytes that may be written beside the working directory."""
    return Guarantees(
        isolated_files=facts.root_read_only and not facts.docker_socket,
        no_network=set(facts.interfaces) <= {"lo"},
        no_privileges=facts.uid != 0 and facts.cap_eff == 0 and facts.cap_bnd == 0 and facts.no_new_privs,
        syscall_filter=facts.seccomp == 2 and not facts.vsock and not facts.io_uring,
        memory=facts.memory_limit is not None and facts.memory_limit <= limits.memory,
        processes=facts.process_limit is not None and facts.process_limit <= limits.processes,
        disk=facts.root_read_only and _bounded(facts.writable, limits.work_bytes + beside),
        # Not a fact but the supervisor's first rule: when its stdin ends, so does everything.
        dies_with_host=True,
    )


def missing(guarantees: Guarantees, needs: SandboxNeeds) -> list[str]:
    """What untrusted code needs and is not guaranteed, in words; empty: the needs are covered."""
    if needs.trusted:
        return []
    return [_WHAT[field.name] for field in fields(Guarantees) if not getattr(guarantees, field.name)]


def require(guarantees: Guarantees, needs: SandboxNeeds, provider: str) -> None:
    """Raises `SandboxUnavailable` unless `guarantees` cover `needs`."""
    if lacking := missing(guarantees, needs):
        raise SandboxUnavailable(
            f"{provider} does not give untrusted code {', '.join(lacking)} here; use another sandbox, "
            "or say that the code is trusted"
        )


def _bounded(writable: Mapping[str, int | None], most: int) -> bool:
    sizes = list(writable.values())
    known = [size for size in sizes if size is not None]
    return len(known) == len(sizes) and sum(known) <= most + _ROUNDING


def _limit(value: object) -> int | None:
    """A limit as cgroup files and rlimits write it; huge numbers mean none."""
    if value is None or value in ("max", -1):
        return None
    number = int(str(value))
    return number if 0 <= number < 1 << 60 else None


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no integer")
    return value
