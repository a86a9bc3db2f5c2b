"""A run cancelled at any of its suspensions: an outcome in the journal, nothing left behind, and it goes on."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ossia import Agent, Python, harmony, tool
from ossia.agent import RunEnded, read_journal
from ossia.agent.playback import play
from ossia.testing import ScriptedEngine
from ossia.tools import Tool, ToolSource
from tests.agent.conftest import FINAL, THINK
from tests.agent.driving import Count, cancelled_at
from tests.agent.test_leftovers import nothing_left_of

CALLS = {
    "functions.slow": THINK + '<|channel|>commentary to=functions.slow json<|message|>{"text": "one"}<|call|>',
    "functions.plain": THINK + '<|channel|>commentary to=functions.plain json<|message|>{"text": "two"}<|call|>',
    "helper.ask": THINK + '<|channel|>commentary to=helper.ask json<|message|>{"task": "Help."}<|call|>',
    "python": THINK + "<|channel|>analysis to=python code<|message|>print(6 * 7)<|call|>",
}


@tool
async def slow(text: str) -> str:
    """Takes a moment."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return text


@tool
def plain(text: str) -> str:
    """Runs in a thread."""
    return text


def calling(*recipients: str) -> ScriptedEngine:
    """Makes the calls that its prompt holds no answer of, one after another, and answers; resumed runs need no less."""

    def completion(prompt: Sequence[int]) -> str:
        text = harmony.encoding().decode(list(prompt))
        return next((CALLS[name] for name in recipients if f"<|start|>{name} to=assistant" not in text), FINAL)

    return ScriptedEngine(completion, chunk_size=8)


def agent_with(runs: Path, *recipients: str) -> tuple[Agent, list[ScriptedEngine]]:
    """An agent that makes these calls, with another agent among its tools; their engines."""
    engines = [calling(*recipients), calling("functions.slow")]
    helper = Agent(engine=engines[1], tools=[slow], journal=False).as_tool("helper", "Helps.")
    tools: list[Tool | ToolSource | Callable[..., object]] = [slow, plain, helper]
    if "python" in recipients:
        tools.append(Python())
    sandbox = "bubblewrap" if "python" in recipients else None
    return Agent(engine=engines[0], tools=tools, sandbox=sandbox, journal=runs), engines


async def settled(before: set[asyncio.Task[object]]) -> None:
    """Wait for what a sandbox that was cancelled while it was closed does behind our back: it closes all the same."""
    async with asyncio.timeout(15):
        await asyncio.gather(*asyncio.all_tasks() - before, return_exceptions=True)


async def cancel(runs: Path, at: int, *recipients: str) -> int:
    """Cancel a run as it is suspended for the `at`-th time; how often it was suspended before it ended."""
    agent, engines = agent_with(runs, *recipients)
    count = Count()
    before = asyncio.all_tasks()
    async with agent:
        task = asyncio.create_task(cancelled_at(agent.run("Go."), at, count))
        await asyncio.wait([task])
        assert task.cancelled() or task.result().outcome == "final"
    await settled(before)
    assert [engine.active for engine in engines] == [0, 0]
    return count.suspensions


async def check_and_resume(runs: Path, *recipients: str) -> None:
    """The journal of the cancelled run says how it ended, and the run goes on from it to its answer."""
    for path in runs.glob("*.jsonl"):
        *_, last = read_journal(path)
        assert isinstance(last, RunEnded), last
        assert last.outcome in ("cancelled", "final")
        if last.outcome == "final":
            continue
        assert list(play(path))
        agent, _ = agent_with(runs, *recipients)
        async with agent:
            result = await agent.resume(path)
        assert (result.outcome, result.final) == ("final", "It is 4.")
        answers = [message for message in result.messages if message.role == "tool"]
        assert [message.name for message in answers] == list(recipients)


async def test_a_run_that_is_cancelled_anywhere_ends_and_goes_on(tmp_path: Path) -> None:
    recipients = ("functions.slow", "functions.plain", "helper.ask")
    at, suspensions = 0, 1
    while suspensions >= at:
        at += 1
        suspensions = await cancel(tmp_path / str(at), at, *recipients)
        await check_and_resume(tmp_path / str(at), *recipients)
    assert at > 20


@pytest.mark.slow
async def test_a_run_with_a_notebook_that_is_cancelled_anywhere_ends_and_goes_on(tmp_path: Path) -> None:
    recipients = ("functions.slow", "python")
    at, suspensions = 0, 1
    while suspensions >= at:
        at += 1
        suspensions = await cancel(tmp_path / str(at), at, *recipients)
        assert nothing_left_of(os.getpid())
        await check_and_resume(tmp_path / str(at), *recipients)
    assert at > 10
