"""The installed command, as a user calls it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Ossia = Callable[..., subprocess.CompletedProcess[str]]
COMMAND = Path(sys.executable).with_name("ossia")


@pytest.fixture
def ossia(tmp_path: Path) -> Ossia:
    """Calls `ossia` with arguments; journals go to a directory of the test's own."""

    def call(*arguments: str | Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "OSSIA_RUNS": str(tmp_path / "runs"), "COLUMNS": "120", **environment},
        )

    return call
