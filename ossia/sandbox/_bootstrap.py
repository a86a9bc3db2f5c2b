"""A Debian base image without any registry: made by mmdebstrap or debootstrap, imported by the daemon."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import docker

from ossia.errors import SandboxUnavailable

_PACKAGES = "python3,python3-venv,ca-certificates,libstdc++6"
"""libstdc++6: the wheels of numpy and matplotlib load it, a minimal system lacks it."""
_DEFAULT = ("bookworm", "http://deb.debian.org/debian")
_TIME_LIMIT = 1200


def tools() -> list[str]:
    """Which of the programs that make a base are installed."""
    return [name for name in ("mmdebstrap", "debootstrap") if shutil.which(name)]


def suite_and_mirror() -> tuple[str, str]:
    """The Debian or Ubuntu release and the mirror that this machine's own packages come from."""
    codename = _codename()
    if codename and shutil.which("apt-get"):
        shown = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        ).stdout
        for line in shown.splitlines():
            uri, release, component = line.split()
            if release == codename and component == "main":
                return codename, uri.rstrip("/")
    return _DEFAULT


def make_base(client: docker.APIClient, repository: str, progress: Callable[[str], None]) -> str:
    """Make a base with Python and import it as `repository`:SUITE; that name. Raises `SandboxUnavailable`."""
    suite, mirror = suite_and_mirror()
    name = f"{repository}:{suite}"
    if client.images(name):
        return name
    available = tools()
    if not available:
        raise SandboxUnavailable("neither a registry nor mmdebstrap or debootstrap is there to make a base image with")
    with tempfile.TemporaryDirectory(prefix="ossia-base-") as folder:
        tarball = Path(folder) / "base.tar"
        progress(f"making a {suite} base from {mirror} with {available[0]}")
        if available[0] == "mmdebstrap":
            _run(_mmdebstrap(suite, mirror, tarball))
        else:
            _debootstrap(suite, mirror, Path(folder), tarball)
        progress(f"importing the base ({tarball.stat().st_size / 1e6:.0f} MB)")
        with tarball.open("rb") as file:
            # In pieces: docker-py announces chunks, and sends a plain file as one body, which the daemon refuses.
            pieces = iter(lambda: file.read(1 << 20), b"")
            client.import_image_from_stream(pieces, repository=repository, tag=suite)
    return name


def _mmdebstrap(suite: str, mirror: str, tarball: Path) -> list[str]:
    skipped = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
    options = [f"--dpkgopt=path-exclude={path}" for path in skipped]
    options += ['--aptopt=APT::Install-Recommends "false"', f"--include={_PACKAGES}"]
    return ["mmdebstrap", "--quiet", "--variant=apt", *options, suite, str(tarball), mirror]


def _debootstrap(suite: str, mirror: str, folder: Path, tarball: Path) -> None:
    if os.geteuid() != 0:
        raise SandboxUnavailable("debootstrap needs root; install mmdebstrap, which does not")
    root = folder / "root"
    _run(["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", suite, str(root), mirror])
    _run(["tar", "-C", str(root), "--one-file-system", "-cf", str(tarball), "."])


def _run(argv: list[str]) -> None:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise SandboxUnavailable(f"{argv[0]} did not end within {_TIME_LIMIT} s") from None
    if done.returncode:
        raise SandboxUnavailable(f"{argv[0]} failed: {done.stderr.strip()[-800:]}")


def _codename() -> str | None:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return None
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return values.get("VERSION_CODENAME", "").strip('"') or None
