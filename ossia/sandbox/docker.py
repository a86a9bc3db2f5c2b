"""The Docker provider: one hardened container a session, spoken to over its attached stdin and stdout."""

import asyncio
import os
import secrets
import socket
from collections.abc import Mapping
from typing import Any, Literal

import docker
import requests
from docker.errors import APIError, ImageNotFound

from ossia.errors import SandboxUnavailable
from ossia.sandbox import _attest, _owner, _podman, images
from ossia.sandbox._attest import Facts
from ossia.sandbox._boot import LOADER
from ossia.sandbox._docker_api import Daemon
from ossia.sandbox._docker_transport import DockerTransport
from ossia.sandbox._egress_gate import proxy_environment
from ossia.sandbox._seccomp import docker_profile
from ossia.sandbox._settings import NOBODY, WORKDIR, common_environment
from ossia.sandbox._supervised import SupervisedSandbox
from ossia.sandbox.egress import Egress
from ossia.sandbox.profiles import Profile, profile
from ossia.sandbox.protocol import SandboxInfo, SandboxLimits, SandboxNeeds

_SECOND = 100_000
"""Microseconds of one period of the processor quota."""


class Docker:
    """Sandboxes in Docker containers.

    `profile`: "python", "coding" or "judge", or None: what the session's tools need. `image`: another image than the
    profile's; it needs `python3` (and ipykernel 7 for a kernel). `limits`: other bounds than the profile's. `runtime`:
    an OCI runtime that the daemon knows, such as "runsc" or "kata". `host`: the daemon's URL, else $DOCKER_HOST or the
    usual sockets. `env`: the variables that the code shall see; none of the host's are passed on. `egress`: what it may
    reach; None: nothing.
    """

    name = "docker"

    def __init__(
        self,
        profile: Literal["python", "coding", "judge"] | None = None,
        *,
        image: str | None = None,
        limits: SandboxLimits | None = None,
        runtime: str | None = None,
        host: str | None = None,
        env: Mapping[str, str] | None = None,
        egress: Egress | None = None,
        parallel_starts: int | None = None,
    ) -> None:
        self._profile = profile
        self._image = image
        self._limits = limits
        self._runtime = runtime
        self._host = host
        self._egress = egress
        self._env = {**(proxy_environment() if egress else {}), **(env or {})}
        self._threads = parallel_starts or max(2, os.cpu_count() or 1)
        self._starts = asyncio.Semaphore(self._threads)
        self._daemon: Daemon | None = None
        self._seccomp = docker_profile()
        """The filter as the daemon takes it: Docker its text, Podman the path of a file."""
        self._profile_file: int | None = None
        self._opening = asyncio.Lock()
        self._found: dict[str, Mapping[str, Any]] = {}
        """Images by name, as first seen: all sandboxes of a provider start from the same digest."""

    async def open(self, needs: SandboxNeeds) -> SupervisedSandbox:
        """A fresh container. Raises `SandboxUnavailable` without a daemon or image, or where a bound does not hold."""
        daemon = await self._connect()
        chosen = profile(self._profile or needs.profile, self._limits)
        async with self._starts:
            image = await self._find_image(daemon, chosen)
            sandbox, transport = await self._create(daemon, image, chosen)
            try:
                facts = await _start_and_boot(daemon, transport, sandbox, kernel=needs.kernel)
                sandbox.guarantees = _attest.judge(facts, chosen.limits, beside=chosen.beside_bytes)
                _attest.require(sandbox.guarantees, needs, self.name)
            except BaseException:
                await asyncio.shield(sandbox.close())
                raise
        return sandbox

    async def aclose(self) -> None:
        """Let go of the daemon; sandboxes that are still open must be closed before."""
        if self._daemon is not None:
            daemon, self._daemon = self._daemon, None
            await asyncio.to_thread(daemon.close)
        if self._profile_file is not None:
            os.close(self._profile_file)
            self._profile_file, self._seccomp = None, docker_profile()

    async def _connect(self) -> Daemon:
        async with self._opening:
            if self._daemon is None:
                daemon = await Daemon.connect(self._host, threads=self._threads + 2)
                try:
                    await daemon.call(lambda: images.reap(daemon.client, same_machine=daemon.is_local))
                except BaseException:
                    await asyncio.shield(asyncio.to_thread(daemon.close))
                    raise
                if daemon.is_podman:
                    # In memory, and gone with this process.
                    self._profile_file = os.memfd_create("ossia-seccomp")
                    os.write(self._profile_file, docker_profile().encode())
                    self._seccomp = f"/proc/{os.getpid()}/fd/{self._profile_file}"
                self._daemon = daemon
            return self._daemon

    async def _find_image(self, daemon: Daemon, chosen: Profile) -> Mapping[str, Any]:
        name = self._image or images.tag(chosen.image)
        if name in self._found:
            return self._found[name]

        def inspect() -> Mapping[str, Any]:
            try:
                found: Mapping[str, Any] = daemon.client.inspect_image(name)
            except ImageNotFound:
                how = f"`ossia sandbox build {chosen.image}` makes it" if not self._image else "build or pull it first"
                raise SandboxUnavailable(f"the image {name} is not there: {how}") from None
            return {**found, "Name": name}

        self._found[name] = await daemon.call(inspect)
        return self._found[name]

    async def _create(
        self, daemon: Daemon, image: Mapping[str, Any], chosen: Profile
    ) -> tuple[SupervisedSandbox, DockerTransport]:
        """A container that is attached to, and not yet started."""
        client = daemon.client
        environment = {**common_environment(), **self._env}
        bounds = host_config(client, chosen, self._runtime, self._seccomp)
        if daemon.is_podman:
            bounds = _podman.adapted(bounds)

        def create() -> tuple[str, socket.socket]:
            daemon.sweep()
            name = f"ossia-{secrets.token_hex(8)}"
            try:
                return make(name)
            except APIError:
                raise
            except requests.RequestException:
                # No answer is none: it may have been made, and a name that we gave it is all that we know of it.
                daemon.discard(name)
                daemon.doubt(name)
                raise

        def make(name: str) -> tuple[str, socket.socket]:
            container = client.create_container(
                image["Id"],
                name=name,
                entrypoint=["python3", "-c", LOADER],
                command=[],
                environment=environment,
                user=f"{NOBODY}:{NOBODY}",
                working_dir=WORKDIR,
                hostname="sandbox",
                stdin_open=True,
                # The first process of a namespace takes no other, and a daemon that is stopped would wait for it.
                stop_signal="SIGKILL",
                labels=dict(_owner.labels()),
                host_config=bounds,
            )["Id"]
            # docker-py leaves StdinOnce to the attach options of `create_container`: stdin_open without detach sets it.
            try:
                options = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                return container, _plain_socket(client.attach_socket(container, params=options))
            except BaseException:
                daemon.discard(container)
                raise

        container, sock = await daemon.call(create, undo=lambda made: _abandon(daemon, *made))
        transport = DockerTransport(daemon, container, sock)
        try:
            await transport.open()
        except BaseException:
            await asyncio.shield(transport.close())
            raise
        digest = str(image["Id"])
        engine = "podman" if daemon.is_podman else "docker"
        info = SandboxInfo("docker", f"{engine}, image {image['Name']} ({digest[:19]})", WORKDIR, digest)
        return SupervisedSandbox(transport, info=info, limits=chosen.limits, egress=self._egress), transport


def host_config(client: docker.APIClient, chosen: Profile, runtime: str | None, seccomp: str) -> Mapping[str, Any]:
    """The bounds of a container of this profile, in the daemon's words."""
    limits = chosen.limits
    config: Mapping[str, Any] = client.create_host_config(
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges", f"seccomp={seccomp}"],
        mem_limit=limits.memory,
        memswap_limit=limits.memory,
        pids_limit=limits.processes,
        cpu_period=_SECOND,
        cpu_quota=int(limits.cpus * _SECOND),
        ulimits=[
            docker.types.Ulimit(name="nofile", soft=chosen.open_files, hard=chosen.open_files),
            docker.types.Ulimit(name="core", soft=0, hard=0),
        ],
        tmpfs={path: f"rw,{options},uid={NOBODY},gid={NOBODY}" for path, options in chosen.tmpfs.items()},
        shm_size=chosen.shm_bytes,
        ipc_mode="private",
        log_config=docker.types.LogConfig(type="none"),
        auto_remove=True,
        init=False,
        oom_score_adj=500,
        runtime=runtime,
    )
    return config


async def _start_and_boot(
    daemon: Daemon, transport: DockerTransport, sandbox: SupervisedSandbox, *, kernel: bool
) -> Facts:
    """Start the container, and talk to its supervisor as soon as it runs: the daemon tells of it a good deal later."""
    starting = asyncio.create_task(transport.start())
    booting = asyncio.create_task(sandbox.boot(kernel=kernel))
    try:
        # Where both fail, the start's reason is the better one.
        await asyncio.shield(starting)
        return await booting
    finally:
        booting.cancel()
        # The container must not be removed in the middle of its start.
        await asyncio.gather(starting, booting, return_exceptions=True)


def _abandon(daemon: Daemon, container: str, sock: socket.socket) -> None:
    sock.close()
    daemon.discard(container)


def _plain_socket(stream: Any) -> socket.socket:
    """The socket under docker-py's stream, on a descriptor of its own: the stream would keep it open after `close`."""
    theirs = getattr(stream, "_sock", stream)
    if type(theirs) is not socket.socket:
        raise SandboxUnavailable("the daemon is reached over TLS or ssh, whose streams cannot be attached to")
    sock = theirs.dup()
    stream._response.close()
    stream.close()
    sock.setblocking(False)
    return sock
