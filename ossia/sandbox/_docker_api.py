"""The container daemon's API: found, asked off the event loop, its errors turned into ours."""

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from ossia.errors import SandboxUnavailable
from ossia.sandbox._docker_probe import Answer, Unusable, probe

T = TypeVar("T")

API_TIMEOUT = 60
"""Seconds that one answer of the daemon may take."""
_DOUBT_SECONDS = 300.0
_FAILURES = (DockerException, requests.RequestException, OSError, ValueError)
"""What docker-py raises where a daemon refuses, fails, or is gone."""


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
    return _connect(host)[0]


def _connect(host: str | None) -> tuple[docker.APIClient, Answer]:
    candidates = [host] if host else socket_candidates()
    complaints = []
    for url in candidates:
        try:
            answer = probe(url)
            client = docker.APIClient(base_url=url, version=answer.api_version, timeout=API_TIMEOUT)
        except (Unusable, DockerException, ValueError) as error:
            complaints.append(f"{url}: {error}")
            continue
        # A proxy for the web is none for the daemon.
        client.trust_env = False
        return client, answer
    said = "; ".join(complaints) or "no socket of Docker or Podman exists"
    raise SandboxUnavailable(f"no container daemon answers ({said})")


class Daemon:
    """Blocking calls to the daemon, on threads of their own."""

    def __init__(self, client: docker.APIClient, answer: Answer, executor: ThreadPoolExecutor) -> None:
        self.client = client
        self.is_local = answer.is_local
        self.is_podman = answer.is_podman
        self._executor = executor
        self._doubted: dict[str, float] = {}
        """Containers that could not be removed, or may not have been made -> until when to look for them."""

    @classmethod
    async def connect(cls, host: str | None, *, threads: int) -> "Daemon":
        """Find it; see `connect`. A caller that is cancelled does not wait for a daemon that is slow."""
        executor = ThreadPoolExecutor(threads, thread_name_prefix="ossia-docker")
        future = executor.submit(_connect, host)
        waited = asyncio.wrap_future(future)
        # Where nobody waits any more, nobody asks for its failure.
        waited.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            client, answer = await asyncio.shield(waited)
        except BaseException:
            future.add_done_callback(_let_go)
            executor.shutdown(wait=False)
            raise
        return cls(client, answer, executor)

    async def call(self, function: Callable[[], T], *, undo: Callable[[T], object] | None = None) -> T:
        """Run `function` on a thread. When the caller is cancelled meanwhile, `undo` gets what it made.

        Raises `SandboxUnavailable` for whatever the daemon refuses or fails at.
        """
        future = asyncio.get_running_loop().run_in_executor(self._executor, _guarded(function))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # Nobody asks for its failure any more.
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            if undo is not None:
                await asyncio.shield(self._undo(future, undo))
            raise

    async def _undo(self, future: "asyncio.Future[T]", undo: Callable[[T], object]) -> None:
        try:
            made = await future
        except SandboxUnavailable:
            return
        await asyncio.get_running_loop().run_in_executor(self._executor, _guarded(lambda: undo(made)))

    def discard(self, container: str) -> None:
        """Remove a container, if it is there. Where the daemon fails at that, it is tried again later."""
        try:
            remove(self.client, container)
        except _FAILURES:
            self.doubt(container)

    def doubt(self, container: str) -> None:
        """A container of this name or id may be there, or may yet come to be: a slow daemon made it all the same."""
        self._doubted[container] = time.monotonic() + _DOUBT_SECONDS

    def sweep(self) -> None:
        """Remove those of the doubted containers that are there by now."""
        for container, end in tuple(self._doubted.items()):
            try:
                settled = remove(self.client, container) or time.monotonic() > end
            except APIError:
                continue
            except _FAILURES:
                # It would not answer for the others either.
                return
            if settled:
                self._doubted.pop(container, None)

    def close(self) -> None:
        self.sweep()
        self._executor.shutdown(wait=True)
        self.client.close()


def _let_go(future: "Future[tuple[docker.APIClient, Answer]]") -> None:
    if not future.cancelled() and future.exception() is None:
        future.result()[0].close()


def _guarded(function: Callable[[], T]) -> Callable[[], T]:
    def call() -> T:
        try:
            return function()
        except _FAILURES as error:
            raise SandboxUnavailable(f"the container daemon failed: {_why(error)}") from error

    return call


def remove(client: docker.APIClient, container: str) -> bool:
    """Remove a container, whatever it is doing; False: there was none."""
    try:
        client.remove_container(container, force=True, v=True)
    except NotFound:
        return False
    except APIError as error:
        if error.response is None or error.response.status_code != 409:  # already being removed
            raise
    wait_removed(client, container)
    return True


def wait_removed(client: docker.APIClient, container: str) -> None:
    """Wait until a container that is being removed is gone."""
    try:
        client.wait(container, condition="removed", timeout=30)
    except NotFound:
        return


def _why(error: Exception) -> str:
    if isinstance(error, APIError) and error.explanation:
        return str(error.explanation)
    if isinstance(error, requests.Timeout):
        return f"it did not answer within {API_TIMEOUT} s"
    text = str(error)
    if "Connection refused" in text or "No such file" in text:
        return "it does not run"
    if isinstance(error, requests.ConnectionError):
        return "the connection to it was cut"
    return text
