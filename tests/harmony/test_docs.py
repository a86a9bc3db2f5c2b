"""docs/harmony.md says what the code does: its code runs, its tables are the code's lists, its examples hold."""

import re
from pathlib import Path
from typing import get_args

import pytest

from ossia import harmony
from ossia.types import JsonValue
from tests.harmony.tokens import ids

TEXT = (Path(__file__).parents[2] / "docs" / "harmony.md").read_text()
RECIPIENTS = ("python", "browser.search", "functions.f", "functions.bash")
SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}


def table(first_header: str) -> list[list[str]]:
    """The rows of the table whose first column has this header."""
    lines = TEXT.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {first_header} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def code(cell: str) -> str:
    """The code of a table's cell, `⏎` for a line break."""
    fenced = re.fullmatch(r"(`+) ?(.*?) ?\1", cell) if cell.startswith("``") else re.fullmatch(r"(`)(.*)`", cell)
    assert fenced, cell
    return fenced[2].replace("⏎", "\n")


def test_code_runs_and_gives_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```\n", TEXT, re.DOTALL):
        run = []
        for line in block.splitlines():
            said = re.fullmatch(r"(.+?)\s+# -> (.+)", line)
            run.append(f"assert ({said[1]}) == {said[2]}, {said[1]}" if said else line)
        exec("\n".join(run), names)
    printed = capsys.readouterr().out.rstrip("\n")
    assert printed == re.findall(r"```text\n(.*?)\n```", TEXT, re.DOTALL)[0]


def test_repairs() -> None:
    rows = table("repair")
    assert [code(row[0]) for row in rows] == list(get_args(harmony.RepairKind))


@pytest.mark.parametrize("row", table("repair"), ids=lambda row: str(row[0]))
def test_example_of_a_repair(row: list[str]) -> None:
    completion = harmony.parse_completion(ids(code(row[2])), RECIPIENTS)
    assert code(row[0]) in [repair.kind for repair in completion.repairs]


def test_reasons_to_discard() -> None:
    rows = table("reason")
    assert [code(row[0]) for row in rows] == list(get_args(harmony.DiscardReason))
    for row in rows:
        completion = harmony.parse_completion(ids(code(row[2])), RECIPIENTS)
        assert [d.reason for d in completion.discarded] == [code(row[0])]


def test_conditions_and_their_actions() -> None:
    rows = {code(row[0]): code(row[2]) for row in table("condition")}
    assert rows == dict(harmony.DEFAULT_ACTIONS)
    assert list(rows) == list(get_args(harmony.Condition))


def test_fixes_of_arguments() -> None:
    rows = table("fix")
    assert [code(row[0]) for row in rows] == list(get_args(harmony.Fix))
    parser = harmony.ArgumentParser("f", SCHEMA, aliases={"town": "city"}, bare="city")
    for row in rows:
        fix, example = code(row[0]), code(row[2])
        fixes = harmony.parse_code(example)[1] if fix == "code_object" else parser.parse(example).fixes
        assert fixes == (fix,)


def test_options_are_those_of_the_code() -> None:
    rows = table("option")
    defaults = harmony.RenderOptions()
    assert [code(row[0]) for row in rows] == ["header", "tools", "analysis"]
    for row in rows:
        assert row[1].startswith(f"`{getattr(defaults, code(row[0]))}`")
