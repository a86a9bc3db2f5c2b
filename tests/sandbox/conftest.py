"""Sandboxes for tests: each provider that can run here, the image and the environment made once where missing."""

import os
from collections.abc import AsyncIterator

import pytest

from ossia.errors import SandboxUnavailable
from ossia.sandbox import (
    Bubblewrap,
    Docker,
    Sandbox,
    SandboxNeeds,
    SandboxProvider,
    UnsafeLocal,
    _docker_api,
    _owner,
    images,
)
from ossia.sandbox._environment import make_environment

BOUNDED = ("docker", "bubblewrap")
"""The providers that claim every bound."""
ALL = (*BOUNDED, "unsafe-local")
KERNEL = SandboxNeeds(kernel=True, shell=True)


@pytest.fixture(scope="session")
def docker_image() -> str:
    """The built `python` image; without a daemon the test is skipped, or fails where OSSIA_REQUIRE_DOCKER is 1."""
    try:
        status = images.image_status()
    except SandboxUnavailable as error:
        if os.environ.get("OSSIA_REQUIRE_DOCKER") == "1":
            raise
        pytest.skip(str(error))
    return status.name if status.present else images.build_image().name


@pytest.fixture(scope="session")
def kernel_environment() -> None:
    """The Python environment of sandboxes without an image."""
    make_environment()


def make_provider(name: str, request: pytest.FixtureRequest) -> SandboxProvider:
    """A provider by name, with what it needs."""
    if name == "docker":
        request.getfixturevalue("docker_image")
        return Docker()
    request.getfixturevalue("kernel_environment")
    return Bubblewrap() if name == "bubblewrap" else UnsafeLocal()


def our_containers(owner: str | None = None) -> list[str]:
    """Ids of the containers that `owner` (this process, where left out) has at the daemon."""
    client = _docker_api.connect()
    try:
        mark = owner or _owner.current().mark()
        found = client.containers(all=True, filters={"label": f"{_owner.LABEL}={mark}"})
        return [container["Id"] for container in found]
    finally:
        client.close()


@pytest.fixture
async def provider(request: pytest.FixtureRequest) -> AsyncIterator[SandboxProvider]:
    """The provider that the test is parametrized with (indirectly), else Docker."""
    made = make_provider(getattr(request, "param", "docker"), request)
    yield made
    await made.aclose()


@pytest.fixture
async def sandbox(provider: SandboxProvider) -> AsyncIterator[Sandbox]:
    """An open sandbox with a kernel."""
    opened = await provider.open(KERNEL)
    yield opened
    await opened.close()
