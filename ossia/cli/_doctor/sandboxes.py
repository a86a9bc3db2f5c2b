"""The sandboxes: what the container daemon has, what each provider gives, and what holds Chromium."""

import asyncio
import time
from importlib.util import find_spec

from ossia.cli._doctor.finding import Finding
from ossia.errors import InfrastructureError, SandboxUnavailable
from ossia.sandbox import SandboxNeeds, images, resolve
from ossia.sandbox.daemon import daemon_info
from ossia.tools import Python

_STRONGER = {"runsc": "gVisor", "kata-runtime": "Kata", "io.containerd.kata.v2": "Kata"}
"""Container runtimes that put more than a kernel's namespaces between the code and the host."""


def daemon() -> Finding:
    """The container daemon, its version, its runtimes."""
    try:
        info = daemon_info()
    except SandboxUnavailable as error:
        advice = "Start Docker, or add yourself to its group; bubblewrap is taken instead where it covers the tools."
        return Finding("docker daemon", "absent", str(error), advice)
    stronger = [f"{_STRONGER[name]} ({name})" for name in info.runtimes if name in _STRONGER]
    found = (
        f"{info.version} on {info.system}, cgroup {info.cgroup}, runtime {info.runtime}, "
        f"{', '.join(stronger) or 'neither gVisor nor Kata'}"
    )
    return Finding("docker daemon", "ok", found)


def image_rows() -> list[Finding]:
    """The images that `ossia sandbox build` makes."""
    rows = []
    for name in images.BUILT:
        try:
            status = images.image_status(name)
        except SandboxUnavailable:
            return [Finding("images", "absent", "no daemon to have them")]
        if status.present:
            rows.append(Finding(f"image {name}", "ok", f"{status.name}, {status.size / 1e6:.0f} MB"))
        else:
            rows.append(
                Finding(f"image {name}", "absent", f"{status.name} is not built", f"ossia sandbox build {name}")
            )
    return rows


async def provider(name: str) -> Finding:
    """Whether this provider serves the python tool, by opening a sandbox and running a cell."""
    needs = Python().needs
    started = time.monotonic()
    try:
        found = await resolve(name, needs)
        try:
            sandbox = await found.open(needs)
            try:
                cell = await sandbox.execute("print(6 * 7)", timeout=30)
            finally:
                await sandbox.close()
        finally:
            await found.aclose()
    except InfrastructureError as error:
        return Finding(name, "absent", str(error))
    seconds = time.monotonic() - started
    if cell.status != "ok":
        return Finding(name, "failed", f"a cell ended with {cell.status} {cell.detail}".rstrip())
    return Finding(name, "ok", f"{sandbox.info.description}; first cell after {seconds:.1f} s")


async def chosen() -> Finding:
    """Which provider a run would take. Raises `SandboxUnavailable`, which says how to get one, where none will do."""
    found = await resolve(None, SandboxNeeds(kernel=True))
    await found.aclose()
    return Finding("sandbox", "ok", f"{found.name} is chosen for the python tool")


async def chromium() -> Finding:
    """What would hold the browser's Chromium. It is not started."""
    if find_spec("playwright") is None:
        advice = "pip install 'ossia[browser]': pages that need scripts are read without them until then."
        return Finding("chromium", "absent", "playwright is not installed", advice)
    from ossia.tools.browser.chromium import containment

    try:
        held = await asyncio.to_thread(containment.choose, "auto")
    except InfrastructureError as error:
        return Finding("chromium", "absent", str(error), "ossia sandbox build browser")
    return Finding("chromium", "ok", f"would be held by {held}")
