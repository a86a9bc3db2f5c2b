"""A process killed at any event of its run: another one goes on to the same transcript, or says what was lost."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ossia import Agent, Python, tool
from ossia.agent import CallStarted, Event, Journal, RunResult, read_journal
from ossia.agent.playback import play
from ossia.testing import ScriptedEngine
from ossia.tools import Tool, ToolSource
from tests.agent.conftest import CALL, FINAL, THINK, Echo

CELLS = (
    THINK + "<|channel|>analysis to=python code<|message|>x = 6 * 7; print(x)<|call|>",
    "<|channel|>analysis<|message|>Useless.<|return|>",
    THINK + "<|channel|>analysis to=python code<|message|>print(x + 1)<|call|>",
)
ADD = THINK + '<|channel|>commentary to=functions.add json<|message|>{"a": 1, "b": 2}<|call|>'
CLOCK = THINK + "<|channel|>analysis to=python code<|message|>import time; print(time.time_ns())<|call|>"
Tools = Sequence[Tool | ToolSource | Callable[..., object]]


@tool
async def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


def agent_on(script: Sequence[str], runs: Path, tools: Tools) -> Agent:
    return Agent(engine=ScriptedEngine(script), tools=tools, sandbox="bubblewrap", journal=runs)


async def run(script: Sequence[str], runs: Path, tools: Tools) -> None:
    async with agent_on(script, runs, tools) as agent:
        await agent.run("Go.")


def run_and_die(script: Sequence[str], runs: Path, tools: Tools, events: int) -> None:
    """Run in a child that is killed (SIGKILL) once it has written so many events."""
    child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        return
    write, written = Journal.write, 0

    def and_die(journal: Journal, event: Event) -> None:
        nonlocal written
        write(journal, event)
        written += 1
        if written == events:
            os.kill(os.getpid(), signal.SIGKILL)

    Journal.write = and_die  # type: ignore[method-assign, assignment]
    try:
        asyncio.run(run(script, runs, tools))
    finally:
        os._exit(1)


def tokens(path: Path) -> list[int]:
    """The transcript that a journal gives in the end."""
    return [playback for playback, _ in play(path)][-1].transcript.segments[-1].tokens.tolist()


async def resume(script: Sequence[str], path: Path, tools: Tools) -> RunResult:
    """Go on with a run, on the rest of the script."""
    used = sum(event.type == "step_ended" for event in read_journal(path))
    async with agent_on(script[used:], path.parent, tools) as agent:
        return await agent.resume(path)


def kill_at_every_event(script: Sequence[str], folder: Path, tools: Callable[[], Tools]) -> int:
    """Kill and resume at each event but the last; how many those were."""
    asyncio.run(run(script, folder / "whole", tools()))
    (whole,) = (folder / "whole").glob("*.jsonl")
    count = len(list(read_journal(whole)))
    for events in range(1, count):
        run_and_die(script, runs := folder / str(events), tools(), events)
        (path,) = runs.glob("*.jsonl")
        *_, last = read_journal(path)
        result = asyncio.run(resume(script, path, tools()))
        assert (result.outcome, result.final) == ("final", "It is 4."), events
        if isinstance(last, CallStarted) or last.type == "sandbox_opened":
            assert "The call was interrupted" in next(
                m.text for m in result.messages if m.role == "tool" and "[" in m.text
            )
        else:
            assert tokens(path) == tokens(whole), events
            assert not result.notes
    return count


def test_a_run_with_functions_that_is_killed_at_any_event_goes_on(tmp_path: Path) -> None:
    assert kill_at_every_event([CALL, CELLS[1], ADD, FINAL], tmp_path, lambda: [Echo(), add]) == 14


@pytest.mark.slow
def test_a_run_with_a_notebook_that_is_killed_at_any_event_goes_on(tmp_path: Path) -> None:
    assert kill_at_every_event([*CELLS, ADD, FINAL], tmp_path, lambda: [Python(), add]) == 19


@pytest.mark.slow
def test_a_cell_that_says_something_else_the_second_time_is_reported_as_lost_state(tmp_path: Path) -> None:
    script = [CLOCK, ADD, FINAL]
    tools: Tools = [Python(), add]
    run_and_die(script, tmp_path, tools, 6)
    (path,) = tmp_path.glob("*.jsonl")
    result = asyncio.run(resume(script, path, tools))
    assert result.outcome == "final"
    assert any("State was lost" in note for note in result.notes)
    assert any("do not rely on earlier state" in message.text for message in result.messages)
