"""All rows, in the order of the table."""

import asyncio
from collections.abc import AsyncIterator

from ossia.cli._doctor import gpu, machine, sandboxes
from ossia.cli._doctor.engine import examine_spec
from ossia.cli._doctor.finding import Finding, bounded
from ossia.engine import Progress
from ossia.errors import InfrastructureError

_MACHINE = 60.0
"""Seconds for a probe of the machine; none takes more than a few where all is well."""


async def examine(spec: str, seconds: float, progress: Progress | None = None) -> AsyncIterator[Finding]:
    """The rows of this machine, then those of the engine. `seconds`: of one probe of the engine."""
    async for finding in _machine():
        yield finding
    async for finding in examine_spec(spec, seconds, progress):
        yield finding


async def _machine() -> AsyncIterator[Finding]:
    yield machine.python()
    for finding in await asyncio.to_thread(machine.packages):
        yield finding
    yield await bounded("vocabulary", machine.vocabulary(_MACHINE), _MACHINE + 5)
    yield machine.journals()
    for finding in await _gpus():
        yield finding
    yield await asyncio.to_thread(sandboxes.daemon)
    for finding in await asyncio.to_thread(sandboxes.image_rows):
        yield finding
    for name in ("docker", "bubblewrap"):
        yield await bounded(name, sandboxes.provider(name), _MACHINE)
    yield await bounded("sandbox", sandboxes.chosen(), _MACHINE)
    yield await bounded("chromium", sandboxes.chromium(), _MACHINE)


async def _gpus() -> list[Finding]:
    try:
        return await gpu.gpus(_MACHINE)
    except InfrastructureError as error:
        return [Finding("gpu", "failed", str(error))]
