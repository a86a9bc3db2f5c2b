"""A journal played back gives the transcript that the engine was asked to continue, and says where it can't."""

from pathlib import Path

import pytest

from ossia.agent import CallStarted, read_journal
from ossia.agent.playback import Playback, play
from ossia.errors import UserError
from ossia.testing import ScriptedEngine
from tests.agent.conftest import CALL, FINAL, Echo, scripted

USELESS = "<|channel|>analysis<|message|>Let me see.<|return|>"


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


async def record(runs: Path, script: list[str], **options: object) -> tuple[Path, ScriptedEngine]:
    agent, engine = scripted(script, runs, Echo(), **options)
    async with agent:
        await agent.run("Say hi")
    return next(runs.glob("*.jsonl")), engine


def last(path: Path) -> Playback:
    return [playback for playback, _ in play(path)][-1]


async def test_the_transcript_is_the_prompt_and_what_was_sampled_after_it(runs: Path) -> None:
    path, engine = await record(runs, [USELESS, CALL, FINAL])
    ids = last(path).transcript.segments[-1].tokens.tolist()
    prompt = engine.calls[-1].prompt
    assert tuple(ids[: len(prompt)]) == prompt
    assert engine.calls[1].prompt == engine.calls[0].prompt


async def test_what_each_event_added_lies_end_to_end(runs: Path) -> None:
    path, _ = await record(runs, [CALL, FINAL])
    stop = 0
    for _, played in play(path):
        assert played.start == stop
        stop = played.stop


async def test_a_call_that_was_cut_twice_is_answered_once(runs: Path) -> None:
    path, _ = await record(runs, [CALL, FINAL])
    path.write_bytes(b"".join(lines(path)[: next(n for n, x in enumerate(lines(path)) if b"call_started" in x) + 1]))
    for _ in range(2):
        agent, engine = scripted([FINAL], runs, Echo())
        async with agent:
            result = await agent.resume(path)
        assert engine.calls[0].text.count("The call was interrupted") == 1
        assert [m.text for m in result.messages if m.role == "tool"] == [
            "[The call was interrupted. It may have had some of its effects.]"
        ]
        ended = next(n for n, x in enumerate(lines(path)) if b"run_resumed" in x)
        path.write_bytes(b"".join(lines(path)[: ended + 1]))


async def test_a_journal_that_misses_an_answer_is_refused(runs: Path) -> None:
    path, _ = await record(runs, [CALL, FINAL])
    path.write_bytes(b"".join(x for x in lines(path) if b"call_ended" not in x))
    with pytest.raises(UserError, match="Step 2 of the run .* something is missing"):
        list(play(path))


async def test_an_answer_that_nobody_asked_for_is_refused(runs: Path) -> None:
    path, _ = await record(runs, [CALL, FINAL])
    answer = next(x for x in lines(path) if b"call_ended" in x)
    path.write_bytes(b"".join(x + (answer if x == answer else b"") for x in lines(path)))
    with pytest.raises(UserError, match="which nobody asked"):
        list(play(path))


async def test_calls_that_were_never_answered_stay_asked(runs: Path) -> None:
    path, _ = await record(runs, [CALL, FINAL])
    started = next(n for n, event in enumerate(read_journal(path)) if isinstance(event, CallStarted))
    path.write_bytes(b"".join(lines(path)[: started + 2]))
    playback = last(path)
    assert [call.recipient for call in playback.asked] == ["echo.say"]
    assert playback.interrupted
