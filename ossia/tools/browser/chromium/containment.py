"""What holds Chromium: it renders what strangers wrote, so it is treated as untrusted code."""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from ossia.errors import InfrastructureError
from ossia.sandbox import owner_labels
from ossia.tools.browser.chromium.image import USER, docker_command, image_is_there, image_tag

Containment = Literal["docker", "bubblewrap", "user"]

MEMORY = 1536 << 20
"""Bytes that Chromium with all its processes may use."""
PROCESSES = 512
HANDOVER = "egress.sock"
"""Name of the socket over which the listener is handed out."""
_SOCKET = "/run/egress.sock"
_BINARIES = ("/usr/lib/chromium/chromium", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
_IN_IMAGE = "/usr/lib/chromium/chromium"
_READ_ONLY = ("/usr", "/opt", "/etc/fonts", "/etc/chromium.d", "/etc/ssl", "/etc/ld.so.cache", "/etc/alternatives")


@dataclass(frozen=True, slots=True)
class Plan:
    """How Chromium is started."""

    containment: Containment
    command: tuple[str, ...]
    """Goes before Chromium's own arguments; reads Playwright's pipe from 3 and writes to 4."""
    own_sandbox: bool
    """True: Chromium's own sandbox is on. Off only in a container, whose seccomp filter refuses what it needs."""
    isolated: bool
    """True: it has no network but the egress proxy, which accepts on a socket that it hands out."""
    name: str = ""
    """The container's name, where there is one."""
    arguments: tuple[str, ...] = ()
    """Goes after Chromium's own arguments, of which the last counts."""

    def script(self, pid_file: Path) -> str:
        """The command as a program that Playwright can start; it leaves its process id in `pid_file`."""
        redirected = " <&3 >&4" if self.containment == "docker" else ""
        command = f'{shlex.join(self.command)} "$@" {shlex.join(self.arguments)}'
        return f"#!/bin/sh\necho $$ > {shlex.quote(str(pid_file))}\nexec {command}{redirected}\n"


def choose(wanted: Literal["auto", "docker", "bubblewrap", "user"]) -> Containment:
    """The containment to use. Raises `InfrastructureError` with what is missing."""
    missing: list[str] = []
    for kind, problem in (("docker", _docker_problem), ("bubblewrap", _bubblewrap_problem), ("user", _user_problem)):
        if wanted in ("auto", kind):
            why = problem()
            if why is None:
                return kind  # type: ignore[return-value]
            missing.append(f"{kind}: {why}")
    raise InfrastructureError(f"Chromium cannot be started ({'; '.join(missing)}).")


def plan(containment: Containment, folder: Path, name: str) -> Plan:
    """How to start Chromium under `containment`; `folder`: one that its user may write to."""
    socket = folder / HANDOVER
    if containment == "docker":
        command = (*_docker(socket, name), *_launcher(_SOCKET, "stdio"), _IN_IMAGE)
        return Plan(containment, command, own_sandbox=False, isolated=True, name=name)
    binary = find_chromium() or ""
    if containment == "bubblewrap":
        command = (*_bubblewrap(socket), *_launcher(_SOCKET, "pipes"), binary)
        return Plan(containment, command, own_sandbox=True, isolated=True)
    # The profile that Playwright makes is its own user's.
    profile = (f"--user-data-dir={folder / 'profile'}",)
    return Plan(containment, (*_unprivileged(), binary), own_sandbox=True, isolated=False, arguments=profile)


@cache
def find_chromium() -> str | None:
    """The program, not a wrapper script where the distribution has one in front of it."""
    return next((path for path in _BINARIES if os.access(path, os.X_OK)), None) or shutil.which("chromium")


def _launcher(socket: str, transport: str) -> tuple[str, ...]:
    source = (files("ossia.tools.browser.chromium") / "_launch.py").read_text("utf-8")
    return ("python3", "-I", "-S", "-c", source, socket, transport)


def _docker(socket: Path, name: str) -> tuple[str, ...]:
    options = {
        "--name": name,
        "--label": "ossia.chromium",
        "--network": "none",
        "--user": f"{USER}:{USER}",
        "--cap-drop": "ALL",
        "--security-opt": "no-new-privileges",
        "--memory": str(MEMORY),
        "--memory-swap": str(MEMORY),
        "--pids-limit": str(PROCESSES),
        "--cpus": "2",
        "--shm-size": "256m",
        "--tmpfs": f"/tmp:rw,nosuid,nodev,noexec,size=268435456,uid={USER},gid={USER}",
        "--volume": f"{socket}:{_SOCKET}",
        "--workdir": "/tmp",
        "--env": "HOME=/tmp",
        "--log-driver": "none",
    }
    flat = [word for option in options.items() for word in option]
    flat += [word for name, value in owner_labels().items() for word in ("--label", f"{name}={value}")]
    return (*docker_command(), "run", "--rm", "--interactive", "--read-only", "--init", *flat, image_tag())


def _bubblewrap(socket: Path) -> tuple[str, ...]:
    mounts = [word for path in _READ_ONLY for word in ("--ro-bind-try", path, path)]
    links = ["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin"]
    places = ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/dev/shm", "--tmpfs", "/run"]
    places += ["--bind", str(socket), _SOCKET, "--chdir", "/tmp"]
    environment = ["--clearenv", "--setenv", "HOME", "/tmp", "--setenv", "PATH", "/usr/bin:/bin"]
    shared = ("--unshare-all", "--die-with-parent", "--new-session")
    return (*_unprivileged(), "bwrap", *shared, *mounts, *links, *places, *environment, "--")


def _unprivileged() -> tuple[str, ...]:
    """What takes root's rights away; nothing where there are none."""
    if os.geteuid() != 0:
        return ()
    return ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs", "--")


def _docker_problem() -> str | None:
    if not docker_command():
        return "neither docker nor podman is installed"
    return None if image_is_there() else "its image is not built (ossia sandbox build browser)"


def _bubblewrap_problem() -> str | None:
    return _missing("bwrap") or _user_problem() or _namespaces_problem()


def _user_problem() -> str | None:
    if find_chromium() is None:
        return "chromium is not installed (apt-get install chromium)"
    return _missing("setpriv") if os.geteuid() == 0 else None


def _missing(program: str) -> str | None:
    return None if shutil.which(program) else f"{program} is not installed"


@cache
def _namespaces_problem() -> str | None:
    """Whether an unprivileged user may make the namespaces that bubblewrap and Chromium's own sandbox need."""
    command = [*_unprivileged(), "bwrap", "--unshare-all", "--ro-bind", "/", "/", sys.executable, "-c", ""]
    command[-3:] = ["/bin/true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return None if done.returncode == 0 else f"bwrap fails ({done.stderr.strip()[:200]})"
