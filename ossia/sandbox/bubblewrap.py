"""The bubblewrap provider: the same supervisor in namespaces of its own, without any daemon."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ossia.errors import SandboxUnavailable
from ossia.sandbox import _attest, _bpf, _cgroups, _environment
from ossia.sandbox._attest import Facts
from ossia.sandbox._boot import LOADER
from ossia.sandbox._egress_gate import proxy_environment
from ossia.sandbox._environment import KernelEnvironment
from ossia.sandbox._pipe_transport import PipeTransport
from ossia.sandbox._settings import NOBODY, WORKDIR, common_environment
from ossia.sandbox._supervised import SupervisedSandbox
from ossia.sandbox.egress import Egress
from ossia.sandbox.profiles import Profile, profile
from ossia.sandbox.protocol import SandboxInfo, SandboxLimits, SandboxNeeds

_JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 90; shift; done; shift; exec "$@"'
"""Join the control groups that are named before `--`, then become the program after it."""
_SCRATCH = "/sys/kernel"
"""Where what can be written to is mounted, seen by bwrap only: a folder that every machine has, with nobody's files."""
_MOUNT = (
    f'set -e; mount -t tmpfs -o mode=0755 tmpfs {_SCRATCH}; i=0; while [ "$1" != -- ]; do mkdir {_SCRATCH}/$i; '
    f'mount -t tmpfs -o "$1" tmpfs {_SCRATCH}/$i; i=$((i+1)); shift; done; shift; exec "$@"'
)
"""Mount a tmpfs with each of the options before `--`, then become the program after it."""


class Bubblewrap:
    """Sandboxes in Linux namespaces, started by the program `bwrap`.

    The root file system is the host's /usr, read-only, with a Python environment from the user's cache (made at the
    first use), or `root`: a folder that holds one (an exported image, say; it needs `python3` with ipykernel in PATH).
    `profile`, `limits`, `env` and `egress` are those of `Docker`. Memory is bounded where control groups can be had:
    made here as root, or by `systemd-run --user --scope` for other users (`control_groups=False`: not even tried).
    Without them single processes are bounded, `guarantees` says that the whole is not, and untrusted code is refused.
    """

    name = "bubblewrap"

    def __init__(
        self,
        profile: Literal["python", "coding", "judge"] | None = None,
        *,
        root: str | os.PathLike[str] | None = None,
        limits: SandboxLimits | None = None,
        env: Mapping[str, str] | None = None,
        egress: Egress | None = None,
        control_groups: bool = True,
        parallel_starts: int | None = None,
    ) -> None:
        self._profile = profile
        self._root = Path(root) if root else None
        self._limits = limits
        self._egress = egress
        self._control_groups = control_groups
        self._env = {**(proxy_environment() if egress else {}), **(env or {})}
        self._starts = asyncio.Semaphore(parallel_starts or max(2, os.cpu_count() or 1))
        self._reaped = False

    async def open(self, needs: SandboxNeeds) -> SupervisedSandbox:
        """A fresh sandbox. Raises `SandboxUnavailable` where bwrap cannot run or a bound does not hold."""
        if not shutil.which("bwrap"):
            raise SandboxUnavailable("bubblewrap is not installed (apt install bubblewrap)")
        if not self._reaped:
            self._reaped = True
            await asyncio.to_thread(_cgroups.reap)
        chosen = profile(self._profile or needs.profile, self._limits)
        async with self._starts:
            environment = None if self._root else await asyncio.to_thread(_environment.make_environment, _silent)
            sandbox, transport, grouped = await self._start(chosen, environment)
            try:
                facts = await sandbox.boot(kernel=needs.kernel, rlimits=_rlimits(chosen, grouped=grouped))
                facts = _seen_from_here(facts, transport.process.pid)
                sandbox.guarantees = _attest.judge(facts, chosen.limits, beside=chosen.beside_bytes)
                _attest.require(sandbox.guarantees, needs, self.name)
            except BaseException:
                await asyncio.shield(sandbox.close())
                raise
        return sandbox

    async def aclose(self) -> None:
        """Nothing is held between sandboxes."""

    async def _start(
        self, chosen: Profile, environment: KernelEnvironment | None
    ) -> tuple[SupervisedSandbox, PipeTransport, bool]:
        # Not in a thread: a caller that is cancelled meanwhile would leave it behind, and it takes a millisecond.
        group = _cgroups.create(chosen.limits) if self._control_groups else None
        on_closed = group.remove if group else lambda: None
        try:
            # A file and not a pipe: bwrap reads it to its end.
            with tempfile.TemporaryFile() as filter_file:
                filter_file.write(_filter())
                filter_file.flush()
                os.lseek(filter_file.fileno(), 0, os.SEEK_SET)
                argv = self._argv(chosen, environment, group, filter_file.fileno())
                transport = await PipeTransport.start(
                    argv, env={"PATH": os.defpath}, pass_fds=[filter_file.fileno()], on_closed=on_closed
                )
        except BaseException:
            on_closed()
            raise
        where = str(self._root) if self._root else "the host's /usr, read-only"
        info = SandboxInfo("bubblewrap", f"bubblewrap, root file system {where}", WORKDIR)
        sandbox = SupervisedSandbox(transport, info=info, limits=chosen.limits, egress=self._egress)
        return sandbox, transport, group is not None

    def _argv(
        self,
        chosen: Profile,
        environment: KernelEnvironment | None,
        group: _cgroups.ControlGroup | None,
        filter_fd: int,
    ) -> list[str]:
        join = ["/bin/sh", "-c", _JOIN, "sh", *(group.join_files if group else []), "--"]
        drop = _cgroups.scope(chosen.limits) if self._control_groups and group is None else []
        if os.geteuid() == 0:
            # Root in a user namespace is still the owner of root's files outside of it: become nobody first.
            drop += ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
        # bwrap's own tmpfs know no number of files, whose memory no size bounds: a namespace around it mounts ours.
        mount = ["unshare", "--user", "--map-root-user", "--mount", "--", "/bin/sh", "-c", _MOUNT, "sh"]
        mount += [*chosen.tmpfs.values(), "--"]
        options = ["--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"]
        options += ["--uid", str(NOBODY), "--gid", str(NOBODY), "--hostname", "sandbox", "--seccomp", str(filter_fd)]
        options += self._file_system(chosen, environment, group)
        options += ["--chdir", WORKDIR, "--clearenv"]
        variables = {
            **common_environment(),
            "PATH": "/opt/ossia/venv/bin:/usr/local/bin:/usr/bin:/bin",
            "OSSIA_FONT_CACHE": "/opt/ossia/venv/ossia-fonts" if environment else "/opt/ossia/fonts",
            **self._env,
        }
        for name, value in variables.items():
            options += ["--setenv", name, value]
        return [*join, *drop, *mount, "bwrap", *options, "python3", "-c", LOADER]

    def _file_system(
        self, chosen: Profile, environment: KernelEnvironment | None, group: _cgroups.ControlGroup | None
    ) -> list[str]:
        options = self._root_file_system(environment)
        options += ["--proc", "/proc", "--dev", "/dev"]
        for number, path in enumerate(chosen.tmpfs):
            options += ["--bind", f"{_SCRATCH}/{number}", path]
        for source, target in group.binds() if group else []:
            options += ["--ro-bind", source, target]
        # Last: what was needed as mount points is there by now.
        return [*options, "--remount-ro", "/dev", "--remount-ro", "/"]

    def _root_file_system(self, environment: KernelEnvironment | None) -> list[str]:
        if environment is None:
            return ["--ro-bind", str(self._root), "/"]
        options = ["--ro-bind", "/usr", "/usr", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
        options += ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
        for name in ("bin", "sbin", "lib", "lib32", "lib64"):
            top = Path("/") / name
            if top.is_symlink():
                options += ["--symlink", os.readlink(top), str(top)]
            elif top.is_dir():
                options += ["--ro-bind", str(top), str(top)]
        if not environment.base.is_relative_to("/usr"):
            options += ["--ro-bind", str(environment.base), str(environment.base)]
        return [*options, "--ro-bind", str(environment.path), "/opt/ossia/venv"]


def _rlimits(chosen: Profile, *, grouped: bool) -> dict[str, int]:
    """Bounds of each process, and of the number of processes in the sandbox's own user namespace."""
    bounds = {"RLIMIT_NPROC": chosen.limits.processes, "RLIMIT_NOFILE": chosen.open_files, "RLIMIT_CORE": 0}
    # Where a control group bounds them all together, one process may take all of it.
    return bounds if grouped else {**bounds, "RLIMIT_DATA": chosen.limits.memory}


def _seen_from_here(facts: Facts, pid: int) -> Facts:
    """The facts with the limits of the control group that the sandbox was found in, where it cannot see them itself."""
    memory, processes = _cgroups.limits_of(pid)
    return replace(
        facts,
        memory_limit=_least(facts.memory_limit, memory),
        process_limit=_least(facts.process_limit, processes),
    )


def _least(*values: int | None) -> int | None:
    return min((value for value in values if value is not None), default=None)


def _filter() -> bytes:
    machine = os.uname().machine
    try:
        return _bpf.program(machine)
    except KeyError:
        raise SandboxUnavailable(f"there is no table of system calls for {machine} yet; use Docker") from None


def _silent(line: str) -> None:
    """Progress that nobody asked for."""
