"""The conformance suite, on every provider that can run here."""

import pytest

from ossia.sandbox import SandboxProvider
from ossia.testing.sandbox_conformance import CASES, Case, Skipped

from .conftest import ALL

_MARKED = [pytest.param(case, id=str(case), marks=[pytest.mark.slow] if case.slow else []) for case in CASES]


@pytest.mark.parametrize("provider", ALL, indirect=True)
@pytest.mark.parametrize("case", _MARKED)
async def test_conformance(case: Case, provider: SandboxProvider) -> None:
    try:
        await case.run(provider)
    except Skipped as reason:
        pytest.skip(str(reason))


def test_every_case_says_what_it_holds() -> None:
    assert all(case.holds for case in CASES)
    assert len({case.name for case in CASES}) == len(CASES)
