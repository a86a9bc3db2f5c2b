"""The conformance suite, on every provider that can run here."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ossia.sandbox import Sandbox
from ossia.testing.sandbox_conformance import CASES, NEEDS, Case, Skipped

from .conftest import ALL, BOUNDED, make_provider

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHARED = [case for case in CASES if case.shared]
FRESH = [case for case in CASES if not case.shared]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ALL)
async def shared_sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """One sandbox for all the cases that leave nothing behind."""
    provider = make_provider(request.param, request)
    sandbox = await provider.open(NEEDS)
    yield sandbox
    await sandbox.close()
    await provider.aclose()


@pytest.mark.parametrize("case", SHARED, ids=str)
async def test_conformance_on_one_sandbox(case: Case, shared_sandbox: Sandbox) -> None:
    try:
        await case.run_on(shared_sandbox)
    except Skipped as reason:
        pytest.skip(str(reason))


LONG = ("a-stubborn-kernel-is-killed",)
"""Cases that wait for the host's own times, which are the same for every provider: one will do where time is short."""


def runs() -> list[object]:
    """Each case that needs a sandbox of its own, on each provider."""
    return [
        pytest.param(
            case,
            name,
            id=f"{case}-{name}",
            marks=[pytest.mark.slow] * (case.slow or (case.name in LONG and name == "docker")),
        )
        for case in FRESH
        for name in BOUNDED
    ]


@pytest.mark.parametrize(("case", "name"), runs())
async def test_conformance_on_a_fresh_sandbox(case: Case, name: str, request: pytest.FixtureRequest) -> None:
    provider = make_provider(name, request)
    await case.run(provider)
    await provider.aclose()


async def test_every_case_says_what_it_holds() -> None:
    assert all(case.holds for case in CASES)
    assert len({case.name for case in CASES}) == len(CASES)
