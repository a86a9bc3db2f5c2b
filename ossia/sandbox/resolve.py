"""From what a user wrote (or left out) to a provider that covers what the tools need."""

import asyncio

from ossia.errors import SandboxUnavailable
from ossia.sandbox import _attest, images
from ossia.sandbox.bubblewrap import Bubblewrap
from ossia.sandbox.docker import Docker
from ossia.sandbox.errors import SandboxUsageError
from ossia.sandbox.local import UnsafeLocal
from ossia.sandbox.profiles import profile
from ossia.sandbox.protocol import SandboxNeeds, SandboxProvider

SPECS = ("docker", "bubblewrap", "unsafe-local")


async def resolve(spec: "str | SandboxProvider | None" = None, needs: SandboxNeeds | None = None) -> SandboxProvider:
    """The provider for `spec`: one of `SPECS`, a provider (given back as it is), or None: the first that will do.

    None takes Docker where a daemon answers and the image is there, else bubblewrap where all that it attests covers
    `needs`. Raises `SandboxUsageError` on an unknown spec and `SandboxUnavailable`, with how to get one, where none
    will do.
    """
    if spec is None:
        return await _choose(needs or SandboxNeeds(kernel=True))
    if not isinstance(spec, str):
        return spec
    match spec:
        case "docker":
            return Docker()
        case "bubblewrap" | "bwrap":
            return Bubblewrap()
        case "unsafe-local":
            return UnsafeLocal()
    raise SandboxUsageError(f"no sandbox is called {spec!r}: there are {', '.join(SPECS)}")


async def _choose(needs: SandboxNeeds) -> SandboxProvider:
    complaints = []
    if why := await asyncio.to_thread(_docker_lacks, needs):
        complaints.append(f"docker: {why}")
    else:
        return Docker()
    bubblewrap = Bubblewrap()
    try:
        # Only a sandbox that has been opened can say what holds in it.
        sandbox = await bubblewrap.open(SandboxNeeds(profile=needs.profile, trusted=True))
    except SandboxUnavailable as error:
        complaints.append(f"bubblewrap: {error}")
    else:
        await sandbox.close()
        lacking = _attest.missing(sandbox.guarantees, needs)
        if not lacking:
            return bubblewrap
        complaints.append(f"bubblewrap: does not give {', '.join(lacking)} here")
    raise SandboxUnavailable(
        "no sandbox can be had: start Docker and run `ossia sandbox build`, or install bubblewrap "
        f"({'; '.join(complaints)})"
    )


def _docker_lacks(needs: SandboxNeeds) -> str | None:
    image = profile(needs.profile).image
    try:
        status = images.image_status(image)
    except SandboxUnavailable as error:
        return str(error)
    return None if status.present else f"the image {status.name} is not built (`ossia sandbox build {image}`)"
