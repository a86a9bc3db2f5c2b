"""The Python environment of kernels that run without an image: a venv in the user's cache, made once."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ossia.errors import SandboxUnavailable
from ossia.sandbox import images

_TIME_LIMIT = 1200
_DONE = "ossia-complete"
SEEN_AT = "/opt/ossia/venv"
"""Where sandboxes see the environment."""


@dataclass(frozen=True, slots=True)
class KernelEnvironment:
    """A virtual environment with the packages of the `python` image."""

    path: Path
    base: Path
    """The Python installation that it stands on."""

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python3"

    @property
    def fonts(self) -> Path:
        return self.path / "ossia-fonts"

    def is_ready(self) -> bool:
        return (self.path / _DONE).exists()


def cache_folder() -> Path:
    """Where ossia keeps what it has made: $OSSIA_CACHE, /var/cache/ossia for root, else the user's cache.

    Root's own cache is no place for it: sandboxes run as another user, who cannot look into /root.
    """
    if named := os.environ.get("OSSIA_CACHE"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/cache/ossia")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ossia"


def kernel_environment() -> KernelEnvironment:
    """The environment for this machine, whether it is ready or not."""
    python = base_python()
    name = f"kernel-{images.recipe_hash('python')}-{python.name}"
    return KernelEnvironment(cache_folder() / name, python.parent.parent)


def base_python() -> Path:
    """The Python that kernels run on: one that any user can read, so that the sandbox needs no privilege to."""
    ours = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    system = Path(shutil.which("python3", path="/usr/bin:/usr/local/bin") or ours).resolve()
    candidates = (ours, system) if os.geteuid() else (system, ours)
    for candidate in candidates:
        if candidate.exists() and (os.geteuid() or readable_by_all(candidate)):
            return candidate
    raise SandboxUnavailable("no Python is installed where an unprivileged user can read it (apt install python3)")


def readable_by_all(path: Path) -> bool:
    """True: every folder above `path` may be entered by any user."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def make_environment(progress: Callable[[str], None] = print) -> KernelEnvironment:
    """Make the environment if it is not there. Raises `SandboxUnavailable` with what pip said when it fails."""
    environment = kernel_environment()
    if environment.is_ready():
        return environment
    environment.path.parent.mkdir(parents=True, exist_ok=True)
    # Made under another name and moved: a half-made one is never taken for it, and two makers do not meet.
    draft = environment.path.with_name(f"{environment.path.name}.{os.getpid()}")
    begun = time.monotonic()
    progress(f"making the Python environment of the sandbox in {environment.path} (once)")
    try:
        _fill(draft, base_python())
        if not environment.path.exists():
            draft.rename(environment.path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    progress(f"made it in {time.monotonic() - begun:.0f} s")
    return environment


def _fill(path: Path, python: Path) -> None:
    _run([str(python), "-m", "venv", "--without-pip", str(path)])
    target = str(path / "bin" / "python3")
    options = ["--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    _run([*_pip(path), "--python", target, "install", *options, *images.requirements("python")])
    fonts = path / "ossia-fonts"
    fonts.mkdir()
    script = images.resource("font_cache.py")
    _run([target, "-c", script], env={**os.environ, "MPLCONFIGDIR": str(fonts)})
    # Tracebacks shall show where the files will be seen, not where they were made.
    _run([target, "-m", "compileall", "-q", "-j", "0", "-s", str(path), "-p", SEEN_AT, str(path / "lib")])
    _run(["chmod", "-R", "a+rX", str(path)])
    (path / _DONE).touch()


def _pip(path: Path) -> list[str]:
    """A pip that can install into other environments: ours, else the one that ensurepip brings."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return [sys.executable, "-m", "pip"]
    _run([str(path / "bin" / "python3"), "-m", "ensurepip", "--default-pip"])
    return [str(path / "bin" / "python3"), "-m", "pip"]


def _run(argv: list[str], env: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_TIME_LIMIT, check=False, env=env)
    except subprocess.TimeoutExpired:
        raise SandboxUnavailable(f"{argv[0]} did not end within {_TIME_LIMIT} s") from None
    if done.returncode:
        raise SandboxUnavailable(f"the sandbox's Python environment could not be made: {done.stderr.strip()[-800:]}")
