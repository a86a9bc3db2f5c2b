"""What a sandbox is: a place to run untrusted code, and what it guarantees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """The bounds of one sandbox. Sizes in bytes, times in seconds."""

    memory: int = 512 * MIB
    processes: int = 64
    cpus: float = 1.0
    work_bytes: int = 256 * MIB
    """Space of the working directory (counted in `memory` where it is a tmpfs)."""
    output_bytes: int = 4 * MIB
    """Output kept of one cell or command: head and tail, the middle is dropped and counted."""
    file_bytes: int = 64 * MIB
    """Largest file that moves in or out."""


@dataclass(frozen=True, slots=True)
class SandboxNeeds:
    """What a tool needs of its sandbox; the session merges the needs of all its tools."""

    kernel: bool = False
    """A stateful Python kernel (Jupyter)."""
    shell: bool = False
    """Commands run as processes of their own."""
    profile: Literal["python", "coding", "judge"] = "python"
    trusted: bool = False
    """True: the code is the caller's own, so that missing guarantees are no reason to refuse."""

    def merge(self, other: "SandboxNeeds") -> "SandboxNeeds":
        """The needs of both."""
        rank = ("python", "judge", "coding")
        return SandboxNeeds(
            kernel=self.kernel or other.kernel,
            shell=self.shell or other.shell,
            profile=max(self.profile, other.profile, key=rank.index),
            trusted=self.trusted and other.trusted,
        )


@dataclass(frozen=True, slots=True)
class Guarantees:
    """Which bounds a sandbox really holds, as attested when it started."""

    isolated_files: bool = False
    no_network: bool = False
    no_privileges: bool = False
    """No root, no capabilities, no-new-privileges."""
    syscall_filter: bool = False
    memory: bool = False
    processes: bool = False
    disk: bool = False
    dies_with_host: bool = False
    """Nothing of it outlives the process that opened it."""


@dataclass(frozen=True, slots=True)
class SandboxInfo:
    """What is known of an opened sandbox."""

    provider: str
    """`docker`, `bubblewrap`, ..."""
    description: str
    """One line for people, such as `docker, image ossia-python (sha256:1a2b...)`."""
    workdir: str = "/mnt/data"
    image: str | None = None
    """The image, pinned by digest, where there is one."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Text that a cell wrote to stdout or stderr."""

    name: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True)
class Display:
    """A rich output: the value of the last expression (`result`) or something displayed."""

    data: Mapping[str, str | bytes]
    """By MIME type; text as str, images as bytes. Only text/plain, image/png and image/jpeg are kept."""
    result: bool = False


@dataclass(frozen=True, slots=True)
class CellError:
    """An exception that the cell raised."""

    name: str
    value: str
    traceback: str
    """IPython's, without colour codes."""


CellOutput = Stream | Display | CellError

CellStatus = Literal["ok", "error", "timeout", "killed", "oom", "exited"]
"""ok; error: the cell raised; timeout: interrupted after its time, state kept; killed: it had to be killed after its
time, state lost; oom: the kernel was killed for its memory, state lost; exited: the kernel's process ended by itself,
state lost."""


@dataclass(frozen=True, slots=True)
class CellResult:
    """What a cell did. Whatever it holds is untrusted text of the model's code."""

    status: CellStatus
    outputs: tuple[CellOutput, ...] = ()
    dropped_bytes: int = 0
    """Output beyond the cap: left out between the head and the tail that are kept."""
    seconds: float = 0.0
    detail: str = ""
    """What is known beside the status (an exit code, a limit that was hit)."""

    @property
    def state_lost(self) -> bool:
        """True when the variables of earlier cells are gone; files in the working directory are kept."""
        return self.status in ("killed", "oom", "exited")


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command did. Whatever it holds is untrusted text of the model's code."""

    status: Literal["exited", "timeout", "oom"]
    """exited: it ended by itself; timeout: it was killed after its time, with its descendants; oom: killed for its
    memory."""
    code: int
    """Exit code; -N: ended by signal N; 127: no such program; 126: not to be run."""
    stdout: str
    """UTF-8, other bytes replaced, terminal escapes removed; the middle left out beyond the cap. Holds stderr too
    where that was merged."""
    stderr: str
    dropped_bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of a working directory, to be put into another sandbox. Never unpacked on the host."""

    tar: bytes
    """An uncompressed tar archive."""


@dataclass(frozen=True, slots=True)
class Stats:
    """What a sandbox uses; None: not known."""

    memory: int | None = None
    """Bytes, tmpfs included."""
    processes: int | None = None


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A regular file below the working directory."""

    path: str
    """Relative, with forward slashes."""
    size: int
    mtime: float = 0.0


@runtime_checkable
class Sandbox(Protocol):
    """One opened sandbox. It belongs to one session, is used by it only, and is closed with it.

    Every method raises `SandboxUnavailable` when the sandbox is gone for a reason of ours (the daemon died, say); what
    the model's code does is in the results. Every await may be cancelled.
    """

    @property
    def info(self) -> SandboxInfo: ...

    @property
    def guarantees(self) -> Guarantees: ...

    async def execute(self, code: str, *, timeout: float = 120.0) -> CellResult:
        """Run a cell in the kernel (started at the first call); `timeout` in seconds."""
        ...

    async def interrupt(self) -> None:
        """Interrupt the cell under way; its state is kept."""
        ...

    async def restart(self) -> None:
        """A new kernel, without the old one's variables; files are kept."""
        ...

    async def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        timeout: float = 120.0,
        merge_stderr: bool = False,
    ) -> ExecResult:
        """Run a command as a process of its own; `cwd` defaults to the working directory, `env` adds to the sandbox's.

        `timeout` in seconds, after which it and its descendants are killed. Cancelling kills them too.
        """
        ...

    async def put(self, path: str, data: bytes) -> None:
        """Write a file below the working directory. Raises `UserError` on a path outside it or one too large."""
        ...

    async def get(self, path: str) -> bytes:
        """Read a regular file below the working directory, links not followed."""
        ...

    async def files(self) -> list[FileInfo]:
        """The regular files below the working directory."""
        ...

    async def snapshot(self) -> Snapshot:
        """The files of the working directory as they are now (not the kernel's variables)."""
        ...

    async def restore(self, snapshot: Snapshot) -> None:
        """Put the files of a snapshot into the working directory, over what is there."""
        ...

    async def stats(self) -> Stats:
        """What the sandbox uses now."""
        ...

    async def close(self) -> None:
        """Stop everything of it. May be called twice."""
        ...


@runtime_checkable
class SandboxProvider(Protocol):
    """Opens sandboxes of one kind."""

    @property
    def name(self) -> str: ...

    async def open(self, needs: SandboxNeeds) -> Sandbox:
        """A fresh sandbox. Raises `SandboxUnavailable` when what it attests does not cover `needs`."""
        ...

    async def aclose(self) -> None: ...
