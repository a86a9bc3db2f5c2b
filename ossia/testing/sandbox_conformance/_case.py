"""Cases, and what they are written with."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ossia.errors import UserError
from ossia.sandbox import CellResult, Display, Sandbox, SandboxNeeds, SandboxProvider, Stream

NEEDS = SandboxNeeds(kernel=True, shell=True)
"""What the sandboxes of the suite are opened with."""

Check = Callable[[Sandbox], Awaitable[None]]


class Skipped(Exception):
    """The case shows a bound that this sandbox does not claim."""


@dataclass(frozen=True, slots=True)
class Case:
    """One behaviour."""

    name: str
    holds: str
    """The behaviour, as a sentence."""
    check: Check
    """Asserts it, on an open sandbox that claims what the case needs."""
    claims: tuple[str, ...] = ()
    """Fields of `Guarantees` that must hold for the case to apply."""
    shared: bool = False
    """True: it leaves nothing behind, so that the same sandbox may run other such cases before and after it."""
    slow: bool = False

    def __str__(self) -> str:
        return self.name

    def applies(self, sandbox: Sandbox) -> bool:
        return all(getattr(sandbox.guarantees, claim) for claim in self.claims)

    async def run(self, provider: SandboxProvider) -> None:
        """Check it on a fresh sandbox, and that a plain cell works afterwards. Raises `AssertionError` or `Skipped`."""
        async with opened(provider, NEEDS) as sandbox:
            await self.run_on(sandbox)

    async def run_on(self, sandbox: Sandbox) -> None:
        """`run` on an open sandbox."""
        if not self.applies(sandbox):
            raise Skipped(f"the sandbox does not claim {', '.join(self.claims)}")
        await self.check(sandbox)
        assert await value(sandbox, "6 * 7") == "42", "the next cell must work"


class Collector:
    """Makes cases of the functions that it decorates: the name and the docstring are the case's."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def __call__(
        self, *, claims: tuple[str, ...] = (), shared: bool = False, slow: bool = False
    ) -> Callable[[Check], Check]:
        def collect(check: Check) -> Check:
            name = getattr(check, "__name__", "case").replace("_", "-")
            self.cases.append(Case(name, (check.__doc__ or "").strip(), check, claims, shared, slow))
            return check

        return collect


@asynccontextmanager
async def opened(provider: SandboxProvider, needs: SandboxNeeds) -> AsyncIterator[Sandbox]:
    """A sandbox that is closed afterwards."""
    sandbox = await provider.open(needs)
    try:
        yield sandbox
    finally:
        await sandbox.close()


async def value(sandbox: Sandbox, code: str, timeout: float = 30.0) -> str | None:
    """The text of the cell's last expression; the cell must succeed."""
    result = await sandbox.execute(code, timeout=timeout)
    assert result.status == "ok", result
    shown = [
        output.data.get("text/plain") for output in result.outputs if isinstance(output, Display) and output.result
    ]
    return str(shown[-1]) if shown else None


async def printed(sandbox: Sandbox, code: str, timeout: float = 30.0) -> str:
    """What the cell writes to stdout and stderr; the cell must succeed."""
    result = await sandbox.execute(code, timeout=timeout)
    assert result.status == "ok", result
    return text_of(result)


def text_of(result: CellResult) -> str:
    """All text of the streams of a result."""
    return "".join(output.text for output in result.outputs if isinstance(output, Stream))


async def refusal(action: Awaitable[object], seconds: float = 10.0) -> str:
    """The message of the `UserError` that `action` must raise in this time."""
    try:
        await asyncio.wait_for(action, seconds)
    except UserError as error:
        return str(error)
    raise AssertionError("it was not refused")


async def within(seconds: float, awaitable: Awaitable[CellResult]) -> CellResult:
    """The result, which must come in this time."""
    begun = time.monotonic()
    result = await asyncio.wait_for(awaitable, seconds)
    assert time.monotonic() - begun <= seconds
    return result
