"""The container daemon's API: found, asked off the event loop, its errors turned into ours."""

import asyncio
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from ossia.errors import SandboxUnavailable

T = TypeVar("T")

API_TIMEOUT = 60
"""Seconds that one answer of the daemon may take."""


def socket_candidates() -> list[str]:
    """Where a daemon may answer: $DOCKER_HOST alone, or the usual sockets of Docker and Podman."""
    if host := os.environ.get("DOCKER_HOST"):
        return [host]
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    paths = (
        "/var/run/docker.sock",
        f"{runtime}/docker.sock",
        f"{runtime}/podman/podman.sock",
        "/run/podman/podman.sock",
    )
    return [f"unix://{path}" for path in paths if Path(path).exists()]


def connect(host: str | None = None) -> docker.APIClient:
    """A client of the first daemon that answers. Raises `SandboxUnavailable` with what each candidate said."""
    candidates = [host] if host else socket_candidates()
    complaints = []
    for url in candidates:
        try:
            _probe(url)
            client = docker.APIClient(base_url=url, version="auto", timeout=API_TIMEOUT)
        except (DockerException, requests.RequestException, OSError, ValueError) as error:
            complaints.append(f"{url}: {_why(error)}")
        else:
            return client
    said = "; ".join(complaints) or "no socket of Docker or Podman exists"
    raise SandboxUnavailable(f"no container daemon answers ({said})")


def _probe(url: str) -> None:
    """Raises `OSError` where a local socket takes no connection; docker-py would leave its own end open."""
    if url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(url.removeprefix("unix://"))


class Daemon:
    """Blocking calls to the daemon, on threads of their own."""

    def __init__(self, client: docker.APIClient, *, threads: int) -> None:
        self.client = client
        self.is_local = str(client.base_url).startswith("http+docker://") or client.base_url.startswith(
            "http://localhost"
        )
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="ossia-docker")

    async def call(self, function: Callable[[], T], *, undo: Callable[[T], object] | None = None) -> T:
        """Run `function` on a thread. When the caller is cancelled meanwhile, `undo` gets what it made.

        Raises `SandboxUnavailable` for whatever the daemon refuses or fails at.
        """
        future = asyncio.get_running_loop().run_in_executor(self._executor, _guarded(function))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if undo is not None:
                await asyncio.shield(self._undo(future, undo))
            raise

    async def _undo(self, future: "asyncio.Future[T]", undo: Callable[[T], object]) -> None:
        try:
            made = await future
        except SandboxUnavailable:
            return
        await asyncio.get_running_loop().run_in_executor(self._executor, _guarded(lambda: undo(made)))

    def close(self) -> None:
        self._executor.shutdown(wait=True)
        self.client.close()


def _guarded(function: Callable[[], T]) -> Callable[[], T]:
    def call() -> T:
        try:
            return function()
        except (DockerException, requests.RequestException, OSError, ValueError) as error:
            raise SandboxUnavailable(f"the container daemon failed: {_why(error)}") from error

    return call


def is_podman(client: docker.APIClient) -> bool:
    """Whether Podman answers, which differs from Docker here and there."""
    return any(part.get("Name") == "Podman Engine" for part in client.version().get("Components") or ())


def remove(client: docker.APIClient, container: str) -> None:
    """Remove a container, whatever it is doing; one that is gone already is fine."""
    try:
        client.remove_container(container, force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if error.response is None or error.response.status_code != 409:  # already being removed
            raise
    wait_removed(client, container)


def wait_removed(client: docker.APIClient, container: str) -> None:
    """Wait until a container that is being removed is gone."""
    try:
        client.wait(container, condition="removed", timeout=30)
    except NotFound:
        return


def _why(error: Exception) -> str:
    if isinstance(error, APIError) and error.explanation:
        return str(error.explanation)
    text = str(error)
    if "Permission denied" in text:
        return "no permission on its socket (add the user to the group `docker`, or use rootless Docker)"
    if "Connection refused" in text or "No such file" in text:
        return "it does not run"
    return text
