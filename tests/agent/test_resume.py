"""Runs that were cut off go on; runs fork; journals are read or refused."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ossia.agent import Agent, Limits, RunEnded, RunResult, RunResumed, StepEnded, read_journal
from ossia.errors import UserError
from ossia.testing import Play, ScriptedEngine
from tests.agent.conftest import CALL, FINAL, THINK, Echo, scripted

SECOND = THINK + '<|channel|>commentary to=echo.say json<|message|>{"text": "again"}<|call|>'
SCRIPT = [CALL, SECOND, FINAL]


def only(runs: Path) -> Path:
    return next(runs.glob("*.jsonl"))


async def record(runs: Path) -> tuple[Path, ScriptedEngine]:
    agent, engine = scripted(SCRIPT, runs, Echo())
    async with agent:
        await agent.run("Say hi")
    return only(runs), engine


async def go_on(path: Path, script: Sequence[str], echo: Echo) -> tuple[RunResult, ScriptedEngine]:
    agent, engine = scripted(script, path.parent, echo)
    async with agent:
        return await agent.resume(path), engine


async def test_cut_after_any_line_a_run_ends_with_the_same_transcript(runs: Path, tmp_path: Path) -> None:
    path, engine = await record(runs)
    lines = path.read_bytes().splitlines(keepends=True)
    whole = engine.calls[-1].prompt
    for cut in range(2, len(lines)):
        copy = tmp_path / f"cut-{cut}" / path.name
        copy.parent.mkdir()
        copy.write_bytes(b"".join(lines[:cut]) + lines[cut][: len(lines[cut]) // 2])
        steps = sum(b'"type":"step_ended"' in line for line in lines[:cut])
        begun = b'"type":"call_started"' in lines[cut - 1]
        result, resumed = await go_on(copy, SCRIPT[steps:], Echo())
        assert result.outcome == "final", cut
        if steps == len(SCRIPT):
            assert not resumed.calls
        elif not begun:
            assert resumed.calls[-1].prompt == whole, cut
        else:
            assert "The call was interrupted" in resumed.calls[0].text, cut


async def test_a_run_that_has_ended_is_not_resumed(runs: Path) -> None:
    path, _ = await record(runs)
    with pytest.raises(UserError, match="has ended"):
        await go_on(path, [], Echo())


async def test_answers_of_functions_come_from_the_journal(runs: Path) -> None:
    path, _ = await record(runs)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: next(i for i, line in enumerate(lines) if b"call_ended" in line) + 1]))
    _, engine = await go_on(path, SCRIPT[1:], echo := Echo())
    assert echo.asked == ['{"text": "again"}']
    resumed = [event for event in read_journal(path) if isinstance(event, RunResumed)]
    assert [(event.calls, event.differing) for event in resumed] == [(0, ())]
    assert len(engine.calls) == 2


async def test_another_agent_does_not_resume_a_run(runs: Path) -> None:
    path, _ = await record(runs)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    async with Agent(engine=ScriptedEngine([FINAL]), tools=[Echo()], journal=runs, instructions="Be rude.") as agent:
        with pytest.raises(UserError, match="instructions=None, and the agent has 'Be rude.'"):
            await agent.resume(path.stem)


async def test_a_fork_shares_its_steps_token_for_token(runs: Path) -> None:
    path, engine = await record(runs)
    agent, forked = scripted(["<|channel|>final<|message|>It is 5.<|return|>"], runs, Echo())
    async with agent:
        result = await agent.fork(path, at=1)
    assert result.final == "It is 5."
    assert forked.calls[0].prompt == engine.calls[1].prompt
    assert result.run_id != path.stem
    steps = [event for event in read_journal(runs / f"{result.run_id}.jsonl") if isinstance(event, StepEnded)]
    assert len(steps) == 2


async def test_there_is_no_fork_behind_the_end(runs: Path) -> None:
    path, _ = await record(runs)
    agent, _ = scripted([FINAL], runs, Echo())
    async with agent:
        with pytest.raises(UserError, match="has 3 steps"):
            await agent.fork(path, at=7)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is no journal"),
        ('{"type":"journal","schema":2}\n', "is a journal of version 2, and this ossia reads version 1"),
        ('{"type":"journal","schema":1}\n{"type":"no such event"}\n', "line 2 is not an event"),
        ('{"type":"journal","schema":1}\n{"torn', "holds no run"),
    ],
)
async def test_what_is_no_journal_is_refused_in_a_sentence(runs: Path, text: str, sentence: str) -> None:
    runs.mkdir()
    (path := runs / "run.jsonl").write_text(text)
    with pytest.raises(UserError, match=sentence):
        await go_on(path, [], Echo())


async def test_a_missing_journal_is_the_callers_mistake(runs: Path) -> None:
    with pytest.raises(UserError, match="No journal can be read"):
        await go_on(runs / "none.jsonl", [], Echo())


async def test_each_line_is_one_json_object(runs: Path) -> None:
    path, _ = await record(runs)
    kinds = [json.loads(line)["type"] for line in path.read_text().splitlines()]
    assert kinds[:3] == ["journal", "run_started", "step_started"]


async def test_a_run_that_met_a_limit_goes_on_with_more(runs: Path) -> None:
    agent, engine = scripted(SCRIPT, runs, Echo(), limits=Limits(steps=1))
    async with agent:
        assert (await agent.run("Say hi")).limit == "steps"
    result, resumed = await go_on(only(runs), SCRIPT[1:], Echo())
    assert (result.outcome, result.usage.steps) == ("final", 3)
    assert tuple(resumed.calls[0].prompt[: len(engine.calls[0].prompt)]) == engine.calls[0].prompt
    with pytest.raises(UserError, match=r"has ended \(final\)"):
        await go_on(only(runs), [], Echo())


async def test_a_run_that_an_engine_failed_goes_on(runs: Path) -> None:
    agent, _ = scripted([CALL, Play(SECOND, fail_after=3)], runs, Echo())
    async with agent:
        assert (await agent.run("Say hi")).outcome == "infrastructure"
    result, _ = await go_on(only(runs), SCRIPT[1:], Echo())
    assert (result.outcome, [call.arguments for call in result.tool_calls]) == (
        "final",
        ['{"text": "hi"}', '{"text": "again"}'],
    )


async def test_a_forced_answer_stands(runs: Path) -> None:
    agent, _ = scripted([CALL, "It is 4.<|return|>"], runs, Echo(), limits=Limits(steps=1, force_final=True))
    async with agent:
        assert (await agent.run("Say hi")).forced
    with pytest.raises(UserError, match="with a forced answer"):
        await go_on(only(runs), [FINAL], Echo())


async def test_a_fork_does_not_tell_how_the_other_run_ended(runs: Path) -> None:
    path, _ = await record(runs)
    agent, _ = scripted([], runs, Echo())
    async with agent:
        result = await agent.fork(path, at=3)
    ends = [event for event in read_journal(runs / f"{result.run_id}.jsonl") if isinstance(event, RunEnded)]
    assert [(end.run_id, end.final) for end in ends] == [(result.run_id, "It is 4.")]
