"""What every sandbox provider must do, as named cases that a third party's provider can run too.

    @pytest.mark.parametrize("case", CASES, ids=str)
    async def test_my_provider(case): await case.run(MyProvider())

A case that shows a bound applies where the sandbox's `guarantees` claim that bound, and is `Skipped` elsewhere.
"""

from ossia.testing.sandbox_conformance import (
    _cancellation,
    _cells,
    _commands,
    _files,
    _floods,
    _hostile,
    _isolation,
    _limits,
)
from ossia.testing.sandbox_conformance._case import NEEDS, Case, Skipped

CASES: tuple[Case, ...] = (
    *_cells.CASES,
    *_commands.CASES,
    *_files.CASES,
    *_isolation.CASES,
    *_limits.CASES,
    *_floods.CASES,
    *_hostile.CASES,
    *_cancellation.CASES,
)

__all__ = ["CASES", "NEEDS", "Case", "Skipped"]
