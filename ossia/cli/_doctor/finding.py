"""One row of the table, and what all of them amount to."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ossia.errors import InfrastructureError, UserError

State: TypeAlias = Literal["ok", "absent", "unmeasured", "wrong", "failed", "refused"]
"""`absent`: an optional part that is not here. `unmeasured`: it could not be told. `wrong`: it works, but not as it
should. `failed`: something that is needed does not work. `refused`: the spec names no engine that can be opened."""

_CODES: dict[State, int] = {"refused": 2, "failed": 3, "wrong": 1}


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: what was looked at, how it is, what was found, and what to do about it."""

    what: str
    state: State
    found: str
    advice: str = ""


def exit_code(findings: Iterable[Finding]) -> int:
    """0: all that is needed is there and works; 1: something is wrong; 2: the user's mistake; 3: something failed."""
    states = {finding.state for finding in findings}
    return next((code for state, code in _CODES.items() if state in states), 0)


async def bounded(what: str, probe: Awaitable[Finding], seconds: float, advice: str = "") -> Finding:
    """The finding of a probe, or that it failed or took too long."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await probe
    except TimeoutError:
        if not limit.expired():
            raise
        return Finding(what, "failed", f"no answer within {seconds:g} s", advice or "Give it more with --seconds.")
    except InfrastructureError as error:
        return Finding(what, "failed", str(error), advice)
    except UserError as error:
        return Finding(what, "wrong", str(error), advice)
