"""The examples of docs/engines/http.md run."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from ossia.engine.http._probe import WIRES
from ossia.engine.http._spec import OPTIONS

PAGE = Path(__file__).parents[3] / "docs" / "engines" / "http.md"
TEXT = PAGE.read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[0])
async def test_the_example_runs(example: str) -> None:
    code = compile(example, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(code, {})
    assert inspect.isawaitable(running)
    await running


def test_the_table_has_every_option_and_every_form() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == set(OPTIONS)
    assert all(f"`{wire.name}`" in TEXT for wire in WIRES)
