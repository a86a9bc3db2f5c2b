"""The image `browser`: Chromium on top of the image `python`."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from functools import cache

from ossia.errors import InfrastructureError
from ossia.sandbox import images

USER = 65534

_RECIPE = """\
ARG BASE
FROM ${BASE}
RUN apt-get update -qq \\
 && export DEBIAN_FRONTEND=noninteractive \\
 && apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core > /dev/null \\
 && rm -rf /var/lib/apt/lists/* \\
 && find / -xdev -perm /6000 -type f -exec chmod a-s {} +
"""
_BUILD_TIMEOUT = 1200


def docker_command() -> tuple[str, ...]:
    """The container program: docker, or podman; empty where there is none."""
    found = shutil.which("docker") or shutil.which("podman")
    return (found,) if found else ()


@cache
def image_tag() -> str:
    """The image's name; the tag is a hash of what it is made of."""
    recipe = hashlib.sha256((_RECIPE + images.tag("python")).encode()).hexdigest()[:12]
    return f"ossia-browser:{recipe}"


def image_is_there() -> bool:
    """True where a daemon answers and has the image."""
    done = subprocess.run(
        [*docker_command(), "image", "inspect", image_tag()], capture_output=True, timeout=30, check=False
    )
    return done.returncode == 0


def build_image(progress: Callable[[str], None] = print) -> str:
    """Build the image, and the image `python` before it where that is not there; its name.

    Raises `InfrastructureError` with the end of the output when it fails.
    """
    if not docker_command():
        raise InfrastructureError("The image browser needs docker or podman: neither is installed.")
    if image_is_there():
        return image_tag()
    if not images.image_status("python").present:
        images.build_image("python", progress=progress)
    progress(f"building {image_tag()}")
    command = [
        *docker_command(),
        "build",
        "--quiet",
        "--tag",
        image_tag(),
        "--build-arg",
        f"BASE={images.tag('python')}",
    ]
    done = subprocess.run(
        [*command, "-"], input=_RECIPE, capture_output=True, text=True, timeout=_BUILD_TIMEOUT, check=False
    )
    if done.returncode:
        raise InfrastructureError(f"The image browser could not be built: {done.stderr.strip()[-1000:]}")
    return image_tag()
