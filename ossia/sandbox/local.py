"""`unsafe-local`: the supervisor as a plain process of this machine. Nothing is isolated or bounded."""

import asyncio
from collections.abc import Mapping

from ossia.sandbox import _environment
from ossia.sandbox._boot import LOADER
from ossia.sandbox._pipe_transport import PipeTransport
from ossia.sandbox._settings import common_environment
from ossia.sandbox._supervised import SupervisedSandbox
from ossia.sandbox.folders import HeldFolder, reap
from ossia.sandbox.profiles import profile
from ossia.sandbox.protocol import Guarantees, SandboxInfo, SandboxLimits, SandboxNeeds


class UnsafeLocal:
    """Runs code as this user, with this user's files and network: for a host that is itself disposable.

    It is used only where it is asked for by its name, and never needs to cover what a tool asks for: whoever chooses it
    has said that the host may be lost. Each sandbox has a temporary folder as its working directory.
    """

    name = "unsafe-local"

    def __init__(self, *, limits: SandboxLimits | None = None, env: Mapping[str, str] | None = None) -> None:
        self._limits = limits
        self._env = dict(env or {})

    async def open(self, needs: SandboxNeeds) -> SupervisedSandbox:
        """A fresh folder and supervisor."""
        chosen = profile(needs.profile, self._limits)
        environment = await asyncio.to_thread(_environment.make_environment, lambda line: None)
        await asyncio.to_thread(reap)
        folder = HeldFolder("ossia-local-")
        workdir, scratch = folder.path / "data", folder.path / "tmp"
        workdir.mkdir()
        scratch.mkdir()
        variables = {
            **common_environment(),
            "PATH": f"{environment.path / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "OSSIA_FONT_CACHE": str(environment.fonts),
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "IPYTHONDIR": str(scratch / "ipython"),
            **self._env,
        }
        try:
            transport = await PipeTransport.start(
                [str(environment.python), "-c", LOADER],
                env=variables,
                on_closed=folder.release,
            )
        except BaseException:
            folder.release()
            raise
        info = SandboxInfo("unsafe-local", "unsafe-local: NO ISOLATION, code runs as you", str(workdir))
        sandbox = SupervisedSandbox(transport, info=info, limits=chosen.limits)
        try:
            await sandbox.boot(kernel=needs.kernel, scratch=str(scratch))
        except BaseException:
            await asyncio.shield(sandbox.close())
            raise
        sandbox.guarantees = Guarantees(dies_with_host=True)
        return sandbox

    async def aclose(self) -> None:
        """Nothing is held between sandboxes."""
