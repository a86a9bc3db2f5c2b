"""Whose a sandbox is: marks that tell, after a crash, which containers and directories nobody owns any more."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LABEL = "ossia.owner"


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, told apart from a later one with the same pid."""

    boot: str
    """Boot id of its machine."""
    namespace: str
    """Its PID namespace: a pid of another one says nothing here."""
    pid: int
    started: str
    """Start time, in clock ticks since boot."""

    def mark(self) -> str:
        """As one word, for a label or a file name."""
        return f"{self.boot}.{self.namespace}.{self.pid}.{self.started}"

    @classmethod
    def parse(cls, mark: str) -> "Owner | None":
        """The owner of a mark; None: it is no mark of ours."""
        boot, _, rest = mark.partition(".")
        fields = rest.split(".")
        if len(fields) != 3 or not fields[1].isdigit():
            return None
        return cls(boot, fields[0], int(fields[1]), fields[2])

    def is_gone(self, *, same_machine: bool) -> bool:
        """True: this process certainly does not run any more. `same_machine`: the mark was made on this machine."""
        if self.boot != _boot_id():
            return same_machine
        if self.namespace != _pid_namespace():
            return False
        return _start_time(self.pid) != self.started


@cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@cache
def _pid_namespace() -> str:
    return os.readlink("/proc/self/ns/pid").strip("pid:[]")


def _start_time(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat.rpartition(b")")[2].split()
    # A zombie holds nothing: its sandboxes are nobody's.
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()


def current() -> Owner:
    """This process."""
    pid = os.getpid()
    return Owner(_boot_id(), _pid_namespace(), pid, _start_time(pid) or "0")


def labels() -> Mapping[str, str]:
    """The labels of what this process starts: containers with them are removed once it has died."""
    return {LABEL: current().mark()}
