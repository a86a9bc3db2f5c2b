"""The yardstick of nano, played through the agent by an engine that knows the answers."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ossia.cli.main import app
from ossia.evals import Sample, Setup, Verdict, find_eval
from ossia.testing import ScriptedEngine

PER_FAMILY = 400


async def play(name: str, sample: Sample, script: Sequence[str]) -> Verdict:
    setup = Setup(ScriptedEngine(list(script)), {}, "unsafe-local")
    async with find_eval(name).open(setup) as solve:
        return await solve(sample)


def first(name: str, family: str) -> Sample:
    return next(sample for sample in find_eval(name).dataset().samples if sample.family == family)


@pytest.mark.parametrize("name", ["nano-python", "nano-functions", "nano-browser"])
def test_a_family_has_enough_items_that_differ(name: str) -> None:
    dataset = find_eval(name).dataset()
    for family in dataset.families:
        items = [sample for sample in dataset.samples if sample.family == family]
        assert len({json.dumps([item.question, item.setting]) for item in items}) == len(items) == PER_FAMILY


@pytest.mark.parametrize("right", [True, False])
async def test_a_named_function_is_right_with_its_arguments(right: bool) -> None:
    sample = first("nano-functions", "named")
    call, arguments = sample.expected["call"], json.dumps(sample.expected["arguments"] if right else {"x": 1})
    found = await play(
        "nano-functions",
        sample,
        [
            f"<|channel|>commentary to=functions.{call} <|constrain|>json<|message|>{arguments}<|call|>",
            f"<|channel|>final<|message|>It is {sample.expected['answer']}.<|return|>",
        ],
    )
    assert found.status == ("correct" if right else "incorrect"), found
    assert found.measures["chosen"]


async def test_a_missing_argument_is_asked_for() -> None:
    sample = first("nano-functions", "missing")
    final = f"<|channel|>final<|message|>Which {sample.expected['asks']}?<|return|>"
    assert (await play("nano-functions", sample, [final])).status == "correct"


@pytest.mark.parametrize(("hit", "line"), [(True, True), (True, False), (False, False)])
async def test_the_right_line_of_the_right_page_is_cited(hit: bool, line: bool) -> None:
    sample = first("nano-browser", "browse")
    url, answer = str(sample.expected["url"]), str(sample.expected["answer"])
    pages = sample.setting["pages"]
    assert isinstance(pages, dict)
    opened = list(pages).index(url) if hit else (list(pages).index(url) + 1) % len(pages)
    at = 2 + pages[url].splitlines().index(next(text for text in pages[url].splitlines() if answer in text))
    found = await play(
        "nano-browser",
        sample,
        [
            '<|channel|>analysis to=browser.search code<|message|>{"query": "x"}<|call|>',
            f'<|channel|>analysis to=browser.open code<|message|>{{"id": {opened}}}<|call|>',
            f"<|channel|>final<|message|>{answer}【1†L{at if line else 2}】<|return|>",
        ],
    )
    assert found.measures == {"hit": hit, "line": line and hit, "answer": True}, found
    assert found.status == ("correct" if hit and line else "incorrect")


async def test_a_greeting_needs_a_short_answer_without_a_call() -> None:
    sample = first("nano-python", "neither")
    final = "<|channel|>final<|message|>{}<|return|>"
    assert (await play("nano-python", sample, [final.format("Hello!")])).status == "correct"
    assert (await play("nano-python", sample, [final.format("Hello! " * 100)])).status == "incorrect"


async def test_a_run_without_a_cell_is_not_right() -> None:
    sample = first("nano-python", "documented")
    final = f"<|channel|>final<|message|>The result is {sample.expected['answer']}.<|return|>"
    assert (await play("nano-python", sample, [final])).status == "incorrect"


def test_the_command_prints_shares_beside_chance_and_goes_on(tmp_path: Path) -> None:
    command = ["eval", "nano-functions", "--family", "named", "--limit", "2", "-o", str(tmp_path / "r.jsonl")]
    for left in (2, 0):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        assert f"{left} of 2 items to ask" in done.output
        assert "| named | correct | 2 |" in done.output
        assert "42." in done.output


def test_an_unknown_eval_or_family_is_told() -> None:
    for command in (["eval", "nano-pyhton"], ["eval", "nano-python", "--family", "x"]):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 1
        assert "nano-python" in str(done.exception)


def test_the_code_of_the_page_runs(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "evals.md").read_text()
    (block,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "missing asks" in done.stdout
