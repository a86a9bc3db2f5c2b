"""The code of docs/browser.md runs, and what it says of names and bounds is so."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ossia.tools.browser import Browser
from ossia.tools.browser.search import provider

PAGE = (Path(__file__).parents[3] / "docs" / "browser.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_code_of_the_page_runs(block: str, tmp_path: Path) -> None:
    environment = {**os.environ, "OSSIA_RUNS": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "L4: The Falcon 9 is 70 metres tall." in done.stdout or "print" not in block or "(4, 4)" in done.stdout


def test_the_providers_of_the_page_are_those_there_are() -> None:
    names = re.findall(r"^\| `([a-z]+)(?::URL)?` \|", PAGE.split("## Searching")[1].split("##")[0], re.MULTILINE)
    assert {provider(f"{n}:http://h" if n == "searxng" else n).name for n in names} == set(names)


def test_the_bounds_of_the_page_are_the_defaults() -> None:
    browser = Browser()
    assert f"`timeout`, {browser.timeout:g} s" in PAGE
    assert f"`max_bytes`, {browser.max_bytes >> 20} MB" in PAGE
    assert f"at most {browser.max_view_tokens:,} tokens" in PAGE
