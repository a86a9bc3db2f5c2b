"""Which daemon answers at an address: asked with a short limit of time, and refused with a reason of one sentence."""

import http.client
import json
import socket
from dataclasses import dataclass

from docker.constants import MINIMUM_DOCKER_API_VERSION
from docker.errors import DockerException
from docker.utils import parse_host, version_lt

ANSWER_TIMEOUT = 10.0
"""Seconds that a daemon has to say its version; one that needs longer would take minutes for a container."""
_ANSWER_LIMIT = 1 << 20


class Unusable(Exception):
    """No daemon that we can use is at this address; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a daemon says of itself."""

    api_version: str
    is_podman: bool
    is_local: bool
    """True: it is reached over a socket of this machine."""


def probe(url: str) -> Answer:
    """Ask the daemon at `url`. Raises `Unusable`."""
    connection, is_local = _connection(url)
    try:
        connection.request("GET", "/version")
        response = connection.getresponse()
        body = response.read(_ANSWER_LIMIT)
    except (OSError, http.client.HTTPException) as error:
        raise Unusable(_why(error)) from error
    finally:
        connection.close()
    if b"HTTP request to an HTTPS server" in body:
        raise Unusable(f"it speaks TLS, over which nothing can be attached to here: {_FORWARD}")
    try:
        said = json.loads(body)
        version, components = str(said["ApiVersion"]), said.get("Components") or ()
        is_podman = any(part.get("Name") == "Podman Engine" for part in components)
        too_old = version_lt(version, MINIMUM_DOCKER_API_VERSION)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unusable(f"what answers there is no container daemon (status {response.status})") from error
    if too_old:
        raise Unusable(f"it is too old: its API is {version}, and {MINIMUM_DOCKER_API_VERSION} is needed")
    return Answer(version, is_podman, is_local)


_FORWARD = "forward its socket (`ssh -N -L /tmp/docker.sock:/var/run/docker.sock HOST`) and use unix:///tmp/docker.sock"


def _connection(url: str) -> tuple[http.client.HTTPConnection, bool]:
    scheme = url.partition(":")[0]
    if scheme in ("ssh", "https"):
        raise Unusable(f"a daemon cannot be attached to over {'ssh' if scheme == 'ssh' else 'TLS'}: {_FORWARD}")
    try:
        parsed = parse_host(url)
        if parsed.startswith("http+unix://"):
            # docker-py takes what follows for an absolute path, and so must we.
            return _UnixConnection("/" + parsed.removeprefix("http+unix://").lstrip("/")), True
        if parsed.startswith("http://"):
            return http.client.HTTPConnection(parsed.removeprefix("http://"), timeout=ANSWER_TIMEOUT), False
    except (DockerException, http.client.InvalidURL, ValueError) as error:
        raise Unusable(f"that is no address of a daemon, such as unix:///var/run/docker.sock ({error})") from error
    raise Unusable("only unix:// and tcp:// can be used")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _why(error: Exception) -> str:
    match error:
        case TimeoutError():
            return f"it does not answer within {ANSWER_TIMEOUT:.0f} s"
        case PermissionError():
            return "no permission on its socket (add the user to the group `docker`, or use rootless Docker)"
        case ConnectionRefusedError() | FileNotFoundError():
            return "it does not run"
        case socket.gaierror():
            return "the host's name cannot be resolved"
        case OSError(strerror=str(text)):
            return text
    return str(error) or type(error).__name__
