"""What Podman wants said otherwise than Docker, so that the same bounds hold."""

from collections.abc import Mapping
from typing import Any

from docker.types import Ulimit

_PROCESSES_OF_A_USER = 32_000
"""Podman would set its own, which a root without CAP_SYS_RESOURCE may not. It counts all of the host's processes of
the sandboxes' user, and so bounds none of them: that is the control group's to do."""

_UNKNOWN = ("nr_inodes", "uid", "gid", "mode")


def adapted(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """A host configuration for Docker, as Podman takes it.

    Its tmpfs know neither an owner nor a number of files: the last are bounded by the memory that they take. A
    read-only container has further ones, as large as the memory; they are made ones that nobody can write to.
    /dev/shm it mounts by itself, of the size that is said apart.
    """
    tmpfs = {path: _known(options) for path, options in config["Tmpfs"].items() if path != "/dev/shm"}
    closed = dict.fromkeys(("/run", "/var/tmp"), "rw,noexec,nosuid,nodev,mode=0755,size=65536")
    limits = [
        *config["Ulimits"],
        Ulimit(name="nproc", soft=_PROCESSES_OF_A_USER, hard=_PROCESSES_OF_A_USER),
    ]
    return {**config, "Tmpfs": {**closed, **tmpfs}, "Ulimits": limits}


def _known(options: str) -> str:
    kept = [option for option in options.split(",") if option.partition("=")[0] not in _UNKNOWN]
    return ",".join([*kept, "mode=1777"])
