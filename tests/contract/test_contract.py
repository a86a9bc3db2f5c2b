"""The public API is what it was: who changes it changes the file with it, and sees what users will have to change."""

import difflib
import sys
from pathlib import Path

import pytest

from tests.contract.api import describe

FROZEN = Path(__file__).with_name("api.txt")


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="each Python spells annotations in its own way")
def test_the_public_api_is_the_frozen_one() -> None:
    frozen, now = FROZEN.read_text().splitlines(), describe().splitlines()
    changes = list(difflib.unified_diff(frozen, now, "frozen", "now", n=1, lineterm=""))
    assert not changes, "\n".join(
        ["Meant? Then: python -m tests.contract.api > tests/contract/api.txt, and say so in CHANGELOG.md.", *changes]
    )
