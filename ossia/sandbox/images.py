"""The images that sandboxes start from: built here, named after their recipe, listed and removed."""

import hashlib
import io
import os
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import docker
import requests
from docker.errors import DockerException, ImageNotFound

from ossia.errors import SandboxUnavailable
from ossia.sandbox import _bootstrap, _cgroups, _docker_api, _owner, folders
from ossia.sandbox.errors import SandboxUsageError

REGISTRY_BASE = "python:3.12-slim"
BOOTSTRAP_REPOSITORY = "ossia-base"
BUILT = ("python", "coding")
_PIP_SETTINGS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST")
_CA_SETTINGS = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_LABEL = "ossia.image"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ImageStatus:
    """What is known of one image."""

    name: str
    """Full name with the tag."""
    present: bool
    digest: str | None = None
    size: int = 0
    """Bytes."""
    created: str = ""


@dataclass(frozen=True, slots=True)
class Built:
    """An image that was just built."""

    name: str
    digest: str
    size: int
    """Bytes."""
    seconds: float
    packages: tuple[str, ...]
    """`name==version` of each Python package in it."""


def tag(name: str) -> str:
    """The full name of a built image; the tag is a hash of its recipe, so that an old one is never taken for it."""
    return f"ossia-{name}:{recipe_hash(name)}"


def image_status(name: str = "python", *, host: str | None = None) -> ImageStatus:
    """Whether the image is there. Raises `SandboxUnavailable` without a daemon."""
    client = _docker_api.connect(host)
    try:
        found = client.inspect_image(tag(name))
    except ImageNotFound:
        return ImageStatus(tag(name), present=False)
    finally:
        client.close()
    return ImageStatus(tag(name), True, found["Id"], found["Size"], found["Created"])


def build_image(
    name: str = "python",
    *,
    base: str | None = None,
    bootstrap: bool | None = None,
    wheels: Path | None = None,
    ca_file: Path | None = None,
    host: str | None = None,
    progress: Progress = print,
) -> Built:
    """Build the image `name` ("python" or "coding").

    `base`: an image with Python 3.11 or newer to start from. Else `python:3.12-slim` where a registry gives it and
    otherwise (`bootstrap=True`: at once, `False`: never) a Debian base made by mmdebstrap or debootstrap. `wheels`: a
    folder of wheels, then no network is used. `ca_file`: CA bundle in PEM for pip, else $PIP_CERT, $SSL_CERT_FILE or
    $REQUESTS_CA_BUNDLE. pip's index settings are taken from the environment and do not stay in the image.

    Raises `SandboxUnavailable` with the end of the build's output when it fails, `SandboxUsageError` on bad arguments.
    """
    if name not in BUILT:
        raise SandboxUsageError(f"no image is called {name!r}: there are {', '.join(BUILT)}")
    begun = time.monotonic()
    client = _docker_api.connect(host)
    try:
        start = base or _find_base(client, bootstrap, progress)
        progress(f"building {tag(name)} from {start}")
        arguments = {"BASE": start, "APT_PACKAGES": " ".join(_apt_packages(name)), **_index_settings()}
        _build(client, tag(name), arguments, _context(name, wheels, ca_file), progress)
        found = client.inspect_image(tag(name))
        packages = _packages(client, tag(name))
    except (DockerException, requests.RequestException) as error:
        raise SandboxUnavailable(f"the image {tag(name)} could not be built: {error}") from error
    finally:
        client.close()
    return Built(tag(name), found["Id"], found["Size"], time.monotonic() - begun, packages)


def list_ours(*, host: str | None = None) -> list[str]:
    """What of ours the daemon holds, a line for each container and image."""
    client = _docker_api.connect(host)
    try:
        containers = client.containers(all=True, filters={"label": _owner.LABEL})
        lines = [f"container {c['Id'][:12]}  {c['Status']}  owner {c['Labels'][_owner.LABEL]}" for c in containers]
        lines += [
            f"image {name}  {image['Size'] / 1e6:.0f} MB"
            for image in client.images()
            for name in image.get("RepoTags") or []
            if name.startswith("ossia-")
        ]
        return lines
    finally:
        client.close()


def clean(*, images: bool = False, everything: bool = False, host: str | None = None) -> list[str]:
    """Remove containers, control groups and folders whose owner has died; a line for each thing removed.

    With `everything` containers in use too, with `images` our images too. Raises `SandboxUnavailable` without a daemon,
    once all that needs none is removed.
    """
    gone = [f"folder {path}" for path in folders.reap()]
    gone += [f"control group {name}" for name in dict.fromkeys(_cgroups.reap())]
    client = _docker_api.connect(host)
    try:
        gone += [f"container {container[:12]}" for container in reap(client, same_machine=True, everything=everything)]
        if images:
            names = [n for i in client.images() for n in i.get("RepoTags") or [] if n.startswith("ossia-")]
            for name in names:
                client.remove_image(name)
                gone.append(f"image {name}")
        return gone
    except (DockerException, requests.RequestException) as error:
        raise SandboxUnavailable(f"the container daemon failed: {error}") from error
    finally:
        client.close()


def reap(client: docker.APIClient, *, same_machine: bool, everything: bool = False) -> list[str]:
    """Remove the containers whose owner has died (`same_machine`: owners ran on this one); their ids."""
    gone = []
    for container in client.containers(all=True, filters={"label": _owner.LABEL}):
        owner = _owner.Owner.parse(container["Labels"].get(_owner.LABEL, ""))
        # A reboot ends every container: one that runs for another boot is another machine's, by a forwarded socket.
        ours = same_machine and container["State"] != "running"
        if everything or (owner and owner.is_gone(same_machine=ours)):
            _docker_api.remove(client, container["Id"])
            gone.append(container["Id"])
    return gone


def requirements(name: str) -> list[str]:
    """The pinned Python packages of the image `name`."""
    return _lines("python.txt") + (_lines("coding.txt") if name == "coding" else [])


def _apt_packages(name: str) -> list[str]:
    return _lines("coding-packages.txt") if name == "coding" else []


def _find_base(client: docker.APIClient, bootstrap: bool | None, progress: Progress) -> str:
    if bootstrap:
        return _bootstrap.make_base(client, BOOTSTRAP_REPOSITORY, progress)
    try:
        client.inspect_image(REGISTRY_BASE)
    except ImageNotFound:
        try:
            progress(f"pulling {REGISTRY_BASE}")
            client.pull(REGISTRY_BASE)
        except (DockerException, requests.RequestException) as error:
            if bootstrap is False:
                raise SandboxUnavailable(f"{REGISTRY_BASE} could not be pulled: {error}") from error
            progress("no registry answers: the base is made here")
            return _bootstrap.make_base(client, BOOTSTRAP_REPOSITORY, progress)
    return REGISTRY_BASE


def _index_settings() -> dict[str, str]:
    return {name: os.environ[name] for name in _PIP_SETTINGS if os.environ.get(name)}


def _context(name: str, wheels: Path | None, ca_file: Path | None) -> bytes:
    """The build context as a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        _add(tar, "Dockerfile", resource("Dockerfile").encode())
        _add(tar, "build/requirements.txt", "\n".join(requirements(name)).encode())
        _add(tar, "build/font_cache.py", resource("font_cache.py").encode())
        _add(tar, "build/ca.crt", _ca_bundle(ca_file))
        if wheels is not None:
            found = sorted(wheels.glob("*.whl"))
            if not found:
                raise SandboxUsageError(f"{wheels} holds no wheels")
            for wheel in found:
                tar.add(wheel, f"build/wheels/{wheel.name}")
    return buffer.getvalue()


def _ca_bundle(given: Path | None) -> bytes:
    named = given or next((Path(os.environ[n]) for n in _CA_SETTINGS if os.environ.get(n)), None)
    if named is None:
        return b""
    try:
        return named.read_bytes()
    except OSError as error:
        raise SandboxUsageError(f"the CA bundle {named} cannot be read: {error.strerror}") from error


def _build(client: docker.APIClient, name: str, arguments: dict[str, str], context: bytes, progress: Progress) -> None:
    output: list[str] = []
    steps = client.build(
        fileobj=io.BytesIO(context),
        custom_context=True,
        tag=name,
        buildargs=arguments,
        labels={_LABEL: name},
        rm=True,
        forcerm=True,
        decode=True,
        network_mode=None,
    )
    for step in steps:
        if "error" in step:
            raise SandboxUnavailable(f"the image {name} could not be built: {''.join(output)[-1500:]}{step['error']}")
        text = str(step.get("stream", ""))
        output.append(text)
        if text.startswith("Step "):
            progress(text.strip()[:100])


def _packages(client: docker.APIClient, name: str) -> tuple[str, ...]:
    """What `pip freeze` said in the build."""
    container = client.create_container(name, command=["true"], labels=dict(_owner.labels()))["Id"]
    try:
        pieces, _ = client.get_archive(container, "/opt/ossia/packages.txt")
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
            file = tar.extractfile("packages.txt")
            return tuple(file.read().decode().split()) if file else ()
    finally:
        _docker_api.remove(client, container)


@cache
def recipe_hash(name: str) -> str:
    """Twelve hex digits that change with what the image `name` is made of."""
    recipe = [resource("Dockerfile"), resource("font_cache.py"), *requirements(name), *_apt_packages(name)]
    return hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:12]


def _lines(name: str) -> list[str]:
    return [line for line in resource(name).splitlines() if line and not line.startswith("#")]


def resource(name: str) -> str:
    """The text of a file that images are made with."""
    return (files("ossia.sandbox") / "_image" / name).read_text("utf-8")


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    tar.addfile(info, io.BytesIO(data))
