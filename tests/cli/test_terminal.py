"""`ossia run` and `ossia chat` in a real terminal: the question about a call, answers typed, Ctrl-C and Ctrl-D."""

import json
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

TASK = """
tools: [python]
approval: {python: ask}
engine: {spec: nano, sampling: {temperature: 0, seed: 1}}
input: {text: "What is 48213 * 777?"}
limits: {steps: 4}
"""
QUESTION = "Allow it? [y/N, or why not] "


def run(folder: Path) -> Terminal:
    (folder / "task.yaml").write_text(TASK)
    return Terminal(["run", "task.yaml"], folder, {})


def decisions(folder: Path) -> list[str]:
    """How each call was decided on, by the journal."""
    (path,) = (folder / "runs").glob("*.jsonl")
    events = map(json.loads, path.read_text().splitlines())
    return [event["details"]["approval"] for event in events if event["type"] == "call_ended"]


def test_a_call_is_shown_whole_and_made_once_it_is_allowed(tmp_path: Path) -> None:
    with run(tmp_path) as terminal:
        terminal.wait_for("The model wants to call python with:\n\nprint(48213 * 777)")
        terminal.wait_for(QUESTION)
        assert "sandbox:" not in terminal.text
        terminal.enter("y\r")
        terminal.wait_for("37461501")
        assert terminal.end() == 0
        assert "\x1b[" in terminal.raw
        assert "37461501" in terminal.text[terminal.text.index("final:") :]
    assert decisions(tmp_path) == ["approved"]


@pytest.mark.parametrize(
    "answer", ["not on a Friday\r", *(pytest.param(key, marks=pytest.mark.slow) for key in ("\r", "\x04"))]
)
def test_a_call_that_is_not_allowed_is_not_made(tmp_path: Path, answer: str) -> None:
    with run(tmp_path) as terminal:
        terminal.wait_for(QUESTION)
        terminal.enter(answer)
        terminal.wait_for("The user did not allow this call of python")
        if "Friday" in answer:
            terminal.wait_for(": not on a Friday")
        terminal.enter("\x03")
        terminal.end()
        assert "sandbox:" not in terminal.text
    assert set(decisions(tmp_path)) == {"refused"}


def test_ctrl_c_at_the_question_ends_the_run(tmp_path: Path) -> None:
    with run(tmp_path) as terminal:
        terminal.wait_for(QUESTION)
        terminal.enter("\x03")
        assert terminal.end(20) == 1
        assert "cancelled" in terminal.text
        assert "Traceback" not in terminal.text


def test_chat_answers_line_by_line_and_ends_with_ctrl_d(tmp_path: Path) -> None:
    with Terminal(["chat", "--seed", "1", "--temperature", "0"], tmp_path, {}) as terminal:
        terminal.wait_for("> ")
        terminal.enter("What is 12 * 12?\r")
        terminal.wait_for("144")
        terminal.wait_for("run 2")
        terminal.wait_for("> ")
        terminal.enter("What is 48213 * 777?\r")
        terminal.wait_for("final:")
        terminal.wait_for("> ")
        terminal.enter("\x04")
        assert terminal.end(20) == 0
        assert terminal.text.count("sandbox: ") <= 1


@pytest.mark.slow
def test_ctrl_c_while_chat_waits_for_a_line_ends_it(tmp_path: Path) -> None:
    with Terminal(["chat"], tmp_path, {}) as terminal:
        terminal.wait_for("> ")
        terminal.enter("\x03")
        terminal.end(20)
        assert "Traceback" not in terminal.text
