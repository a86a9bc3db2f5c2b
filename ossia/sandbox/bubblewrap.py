"""The bubblewrap provider: the same supervisor in namespaces of its own, without any daemon."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ossia.errors import SandboxUnavailable
from ossia.sandbox import _attest, _bpf, _cgroups, _environment
from ossia.sandbox._boot import LOADER
from ossia.sandbox._environment import KernelEnvironment
from ossia.sandbox._pipe_transport import PipeTransport
from ossia.sandbox._settings import NOBODY, WORKDIR, common_environment
from ossia.sandbox._supervised import SupervisedSandbox
from ossia.sandbox.profiles import Profile, profile
from ossia.sandbox.protocol import SandboxInfo, SandboxLimits, SandboxNeeds

_JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 90; shift; done; shift; exec "$@"'
"""Join the control groups that are named before `--`, then become the program after it."""


class Bubblewrap:
    """Sandboxes in Linux namespaces, started by the program `bwrap`.

    The root file system is the host's /usr, read-only, with a Python environment from the user's cache (made at the
    first use), or `root`: a folder that holds one (an exported image, say; it needs `python3` with ipykernel in PATH).
    `profile`, `limits` and `env` are those of `Docker`. Memory is bounded where control groups can be made (as root, or
    where they are delegated to the user); `guarantees` says whether it is.
    """

    name = "bubblewrap"

    def __init__(
        self,
        profile: Literal["python", "coding", "judge"] | None = None,
        *,
        root: str | os.PathLike[str] | None = None,
        limits: SandboxLimits | None = None,
        env: Mapping[str, str] | None = None,
        parallel_starts: int | None = None,
    ) -> None:
        self._profile = profile
        self._root = Path(root) if root else None
        self._limits = limits
        self._env = dict(env or {})
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
            sandbox = await self._start(chosen, environment)
            try:
                facts = await sandbox.boot(kernel=needs.kernel)
                sandbox.guarantees = _attest.judge(facts, chosen.limits, dies_with_host=True)
                _attest.require(sandbox.guarantees, needs, self.name)
            except BaseException:
                await asyncio.shield(sandbox.close())
                raise
        return sandbox

    async def aclose(self) -> None:
        """Nothing is held between sandboxes."""

    async def _start(self, chosen: Profile, environment: KernelEnvironment | None) -> SupervisedSandbox:
        group = await asyncio.to_thread(_cgroups.create, chosen.limits)
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
        return SupervisedSandbox(transport, info=info, limits=chosen.limits)

    def _argv(
        self,
        chosen: Profile,
        environment: KernelEnvironment | None,
        group: _cgroups.ControlGroup | None,
        filter_fd: int,
    ) -> list[str]:
        join = ["/bin/sh", "-c", _JOIN, "sh", *(group.join_files if group else []), "--"]
        drop = []
        if os.geteuid() == 0:
            # Root in a user namespace is still the owner of root's files outside of it: become nobody first.
            drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
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
        return [*join, *drop, "bwrap", *options, "python3", "-c", LOADER]

    def _file_system(
        self, chosen: Profile, environment: KernelEnvironment | None, group: _cgroups.ControlGroup | None
    ) -> list[str]:
        options = self._root_file_system(environment)
        options += ["--proc", "/proc", "--dev", "/dev"]
        sizes = {"/dev/shm": chosen.shm_bytes, "/tmp": chosen.tmp_bytes, WORKDIR: chosen.limits.work_bytes}
        for path, size in sizes.items():
            options += ["--size", str(size), "--tmpfs", path]
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


def _filter() -> bytes:
    machine = os.uname().machine
    try:
        return _bpf.program(machine)
    except KeyError:
        raise SandboxUnavailable(f"there is no table of system calls for {machine} yet; use Docker") from None


def _silent(line: str) -> None:
    """Progress that nobody asked for."""
