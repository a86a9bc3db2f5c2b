"""The examples of docs/functions.md and docs/mcp.md run, and print what the page says."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent.parent / "docs"
EXAMPLE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```\n", re.DOTALL)


@pytest.mark.parametrize(
    ("code", "printed"),
    [found for page in ("functions.md", "mcp.md") for found in EXAMPLE.findall((DOCS / page).read_text())],
)
def test_the_examples_print_what_the_page_says(code: str, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "mcp_server_time" in code:
        pytest.importorskip("mcp_server_time", reason="mcp-server-time is not installed")
    exec(code, {"__name__": "example"})
    assert capsys.readouterr().out == printed
