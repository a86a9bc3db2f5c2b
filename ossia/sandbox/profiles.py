"""Profiles: what a sandbox is made for decides its limits and what may be executed in it."""

from dataclasses import dataclass, replace
from typing import Literal

from ossia.sandbox._settings import WORKDIR
from ossia.sandbox.errors import SandboxUsageError
from ossia.sandbox.protocol import MIB, SandboxLimits

ProfileName = Literal["python", "coding", "judge"]


@dataclass(frozen=True, slots=True)
class Profile:
    """The bounds and the image of one kind of sandbox."""

    name: ProfileName
    image: str
    """Name of the image that `ossia sandbox build` makes for it."""
    limits: SandboxLimits
    exec_files: bool = False
    """True: programs that the code writes may be executed (compilers need that)."""
    tmp_bytes: int = 64 * MIB
    shm_bytes: int = 16 * MIB
    inodes: int = 32_768
    """Files and directories in the working directory, /tmp and /dev/shm, each."""
    open_files: int = 1024
    """File descriptors of one process."""

    @property
    def beside_bytes(self) -> int:
        """What may be written beside the working directory."""
        return self.tmp_bytes + self.shm_bytes

    @property
    def tmpfs(self) -> dict[str, str]:
        """Where files can be written, and the mount options of the tmpfs there, but for its owner."""
        sizes = {"/dev/shm": self.shm_bytes, "/tmp": self.tmp_bytes, WORKDIR: self.limits.work_bytes}
        common = f"{'exec' if self.exec_files else 'noexec'},nosuid,nodev,nr_inodes={self.inodes},mode=0700"
        return {path: f"{common},size={size}" for path, size in sizes.items()}


_PROFILES: dict[str, Profile] = {
    "python": Profile("python", "python", SandboxLimits()),
    "coding": Profile(
        "coding",
        "coding",
        SandboxLimits(memory=2048 * MIB, processes=256, work_bytes=1024 * MIB, file_bytes=256 * MIB),
        exec_files=True,
        tmp_bytes=256 * MIB,
        shm_bytes=64 * MIB,
        inodes=131_072,
        open_files=4096,
    ),
    "judge": Profile(
        "judge",
        "coding",
        SandboxLimits(memory=1024 * MIB, processes=64, work_bytes=256 * MIB),
        exec_files=True,
    ),
}


def profile(name: str, limits: SandboxLimits | None = None) -> Profile:
    """The profile of that name, with other limits where given. Raises `SandboxUsageError` on an unknown name."""
    try:
        found = _PROFILES[name]
    except KeyError:
        raise SandboxUsageError(f"no sandbox profile is called {name!r}: there are {', '.join(_PROFILES)}") from None
    return replace(found, limits=limits) if limits else found
