"""What the container daemon says of itself."""

from dataclasses import dataclass

import requests
from docker.errors import DockerException

from ossia.errors import SandboxUnavailable
from ossia.sandbox import _docker_api


@dataclass(frozen=True, slots=True)
class DaemonInfo:
    """A container daemon that answers."""

    version: str
    system: str
    """The operating system that it runs on."""
    cgroup: str
    """Version of the control groups, 1 or 2."""
    runtime: str
    """The runtime that containers get."""
    runtimes: tuple[str, ...]
    """All that it could give them."""


def daemon_info(*, host: str | None = None) -> DaemonInfo:
    """Ask the daemon that sandboxes would use. Raises `SandboxUnavailable` where none answers."""
    client = _docker_api.connect(host)
    try:
        said = client.info()
    except (DockerException, requests.RequestException) as error:
        raise SandboxUnavailable(f"the container daemon failed: {error}") from error
    finally:
        client.close()
    return DaemonInfo(
        version=str(said.get("ServerVersion", "?")),
        system=str(said.get("OperatingSystem", "?")),
        cgroup=str(said.get("CgroupVersion", "1")),
        runtime=str(said.get("DefaultRuntime", "?")),
        runtimes=tuple(sorted(said.get("Runtimes") or ())),
    )
