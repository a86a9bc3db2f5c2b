"""Journals that older versions of ossia wrote say today what they said then, or are refused in a sentence."""

import json
from pathlib import Path

import pytest

from ossia import Agent
from ossia.agent import RunEnded, read_journal
from ossia.agent.export import training_records
from ossia.agent.playback import play
from ossia.errors import UserError
from ossia.testing import ScriptedEngine
from ossia.view.page import render_run
from tests.agent.journals.write import CALL, FINAL, add, page

CORPUS = Path(__file__).parent / "journals"
EXPECTED = {name: said for file in CORPUS.glob("v*.json") for name, said in json.loads(file.read_text()).items()}


def test_the_corpus_is_whole() -> None:
    assert sorted(EXPECTED) == sorted(path.name for path in CORPUS.glob("*.jsonl"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_old_journal_says_what_it_said(name: str) -> None:
    path, said = CORPUS / name, EXPECTED[name]
    *_, last = read_journal(path)
    assert isinstance(last, RunEnded)
    assert (last.outcome, last.final) == (said["outcome"], said["final"])
    assert [playback for playback, _ in play(path)][-1].transcript.segments[-1].tokens.tolist() == said["transcript"]
    assert list(training_records(path))
    assert "What is 1 + 2?" in render_run(path)


async def test_an_old_journal_that_was_cut_off_is_gone_on_with(tmp_path: Path) -> None:
    lines = (CORPUS / "v1-final.jsonl").read_bytes().splitlines(keepends=True)
    answered = next(n for n, line in enumerate(lines) if b'"call_ended"' in line)
    (path := tmp_path / "run.jsonl").write_bytes(b"".join(lines[: answered + 1]) + b'{"type":"step_star')
    async with Agent(engine=ScriptedEngine([FINAL]), tools=[add, page], journal=tmp_path) as agent:
        result = await agent.resume(path)
    assert (result.outcome, result.final, len(result.tool_calls)) == ("final", "It is 3.", 1)
    assert [playback for playback, _ in play(path)][-1].transcript.segments[-1].tokens.tolist() == EXPECTED[
        "v1-final.jsonl"
    ]["transcript"]


async def test_an_old_journal_that_met_a_limit_is_gone_on_with(tmp_path: Path) -> None:
    (path := tmp_path / "run.jsonl").write_bytes((CORPUS / "v1-limit.jsonl").read_bytes())
    script = [CALL.replace('"b": 2', '"b": 3'), FINAL]
    async with Agent(engine=ScriptedEngine(script), tools=[add, page], journal=tmp_path) as agent:
        result = await agent.resume(path)
    assert [call.text for call in result.tool_calls] == ["3", "4"]


def test_fields_that_came_later_have_their_defaults(tmp_path: Path) -> None:
    text = (CORPUS / "v1-final.jsonl").read_text()
    (path := tmp_path / "run.jsonl").write_text(text.replace(',"held":false', ""))
    assert list(read_journal(path)) == list(read_journal(CORPUS / "v1-final.jsonl"))


def test_a_journal_of_a_version_to_come_is_refused(tmp_path: Path) -> None:
    text = (CORPUS / "v1-final.jsonl").read_text()
    (path := tmp_path / "run.jsonl").write_text(text.replace('"schema":1}', '"schema":7}', 1))
    with pytest.raises(
        UserError, match=r"version 7, and this ossia reads version 1: read it with the ossia that wrote"
    ):
        list(read_journal(path))


@pytest.mark.parametrize("damage", [b"\x00\xff\xfe", b"[]", b'{"type":"step_ended"}', b'{"type":"a_new_event","x":1}'])
def test_a_damaged_line_is_refused_by_its_number(tmp_path: Path, damage: bytes) -> None:
    lines = (CORPUS / "v1-final.jsonl").read_bytes().splitlines()
    lines[3] = damage
    (path := tmp_path / "run.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(UserError, match="line 4 is not an event"):
        list(read_journal(path))
