"""Agents that are tools of agents."""

from pathlib import Path

import pytest

from ossia import Agent, InfrastructureError, Limits, Python
from ossia.testing import Play, ScriptedEngine
from tests.agent.conftest import FINAL

ASK = '<|channel|>commentary to=helper.ask json<|message|>{"task": "What is 2 + 2?"}<|call|>'


def cell(code: str) -> str:
    return f"<|channel|>analysis to=python code<|message|>{code}<|call|>"


def pair(
    runs: Path, outer: list[str | Play], inner: list[str | Play], **options: object
) -> tuple[Agent, ScriptedEngine]:
    helper = Agent(engine=ScriptedEngine(inner), journal=runs, instructions="You help.")
    engine = ScriptedEngine(outer)
    tool = helper.as_tool("helper", "Answers small questions.")
    return Agent(engine=engine, tools=[tool], journal=runs, **options), engine  # type: ignore[arg-type]


async def test_an_agent_asks_another(tmp_path: Path) -> None:
    agent, engine = pair(tmp_path, [ASK, FINAL], ["<|channel|>final<|message|>Four.<|return|>"])
    async with agent:
        result = await agent.run("Find out.")
    assert result.tool_calls[0].text == "Four."
    assert "namespace helper {" in engine.calls[0].text
    assert "What is 2 + 2?" not in engine.calls[0].text
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


async def test_what_the_nested_agent_uses_counts_for_both(tmp_path: Path) -> None:
    long = "<|channel|>final<|message|>" + " four" * 200 + "<|return|>"
    agent, _ = pair(tmp_path, [ASK, FINAL], [long], limits=Limits(tokens=60))
    async with agent:
        result = await agent.run("Find out.")
    assert (result.outcome, result.limit) == ("limit", "tokens")
    assert "did not finish: the limit 'tokens' was reached" in result.tool_calls[0].text


async def test_the_askers_time_bounds_the_nested_agent(tmp_path: Path) -> None:
    agent, _ = pair(tmp_path, [ASK, FINAL], [Play(FINAL, stall_after=2)], limits=Limits(seconds=0.5))
    async with agent:
        result = await agent.run("Find out.")
    assert (result.outcome, result.limit) == ("limit", "seconds")


async def test_a_nested_engine_that_is_lost_is_infrastructure(tmp_path: Path) -> None:
    agent, _ = pair(tmp_path, [ASK, FINAL], [Play(FINAL, fail_after=1)])
    async with agent:
        result = await agent.run("Find out.")
    assert result.outcome == "infrastructure"
    assert "The agent helper failed" in str(result.error)
    assert issubclass(InfrastructureError, Exception)


@pytest.mark.parametrize("arguments", ["{}", "nonsense", '{"task": 3}', "[]"])
async def test_a_call_without_a_task_is_answered(tmp_path: Path, arguments: str) -> None:
    wrong = f"<|channel|>commentary to=helper.ask json<|message|>{arguments}<|call|>"
    agent, _ = pair(tmp_path, [wrong, FINAL], [])
    async with agent:
        result = await agent.run("Find out.")
    assert result.outcome == "final"
    assert '{"task": "..."}' in result.tool_calls[0].text


@pytest.mark.parametrize(("share", "seen"), [(True, "7\n"), (False, "NameError")])
async def test_the_sandbox_is_shared_only_where_asked_for(tmp_path: Path, share: bool, seen: str) -> None:
    helper = Agent(engine=ScriptedEngine([cell("print(x)"), FINAL]), tools=[Python()], journal=tmp_path)
    outer = ScriptedEngine([cell("x = 7"), ASK, cell("print(x + 1)"), FINAL])
    tool = helper.as_tool("helper", "Helps.", share_sandbox=share)
    async with Agent(engine=outer, tools=[Python(), tool], journal=tmp_path) as agent:
        result = await agent.run("Go.")
    assert result.tool_calls[2].text == "8\n"
    inner = next(text for path in tmp_path.glob("*.jsonl") if "print(x)" in (text := path.read_text()))
    assert seen.strip() in inner
