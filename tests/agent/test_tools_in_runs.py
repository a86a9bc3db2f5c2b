"""Functions, MCP servers and approvals inside runs."""

from pathlib import Path
from typing import Literal

import pytest

from ossia import Approval, ToolError, UserError, harmony, tool
from ossia.agent import CallEnded, read_journal
from ossia.tools import PendingCall
from tests.agent.conftest import CALL, FINAL, Echo, scripted


@tool
def add(a: int, b: int = 1) -> int:
    """Adds two numbers.

    Args:
        a: The first one.
    """
    return a + b


async def rate(base: Literal["EUR", "USD"]) -> float:
    """The rate."""
    if base == "USD":
        raise ToolError("There is no rate for USD today.")
    return 1 / 0


def call(name: str, arguments: str) -> str:
    return f"<|channel|>commentary to=functions.{name} json<|message|>{arguments}<|call|>"


async def test_functions_are_declared_in_the_developer_message_and_called(runs: Path) -> None:
    agent, engine = scripted([call("add", "{'a': 2,}"), FINAL], runs, add, rate)
    async with agent:
        result = await agent.run("2 + 1?")
    assert result.tool_calls[0].text == "3"
    developer = engine.calls[0].text.split("<|start|>developer")[1]
    assert "namespace functions {" in developer
    assert "// The first one.\na: number," in developer
    assert "type rate = (_: {" in developer
    assert "Calls to these tools must go to the commentary channel: 'functions'." in engine.calls[0].text


async def test_a_tool_error_is_told_and_a_bug_is_counted(runs: Path) -> None:
    agent, _ = scripted([call("rate", '{"base": "USD"}'), call("rate", '{"base": "EUR"}'), FINAL], runs, rate)
    async with agent:
        result = await agent.run("Rate?")
    assert result.tool_calls[0].text == "There is no rate for USD today."
    assert "ZeroDivisionError" in result.tool_calls[1].text
    ended = [event for event in read_journal(next(runs.glob("*.jsonl"))) if isinstance(event, CallEnded)]
    assert ended[1].details["bug"] is True
    assert "1 / 0" in str(ended[1].details["traceback"])


async def test_wrong_arguments_are_answered_with_the_schema(runs: Path) -> None:
    agent, _ = scripted([call("add", '{"a": "many"}'), FINAL], runs, add)
    async with agent:
        result = await agent.run("?")
    assert "a: " in result.tool_calls[0].text
    assert '"properties"' in result.tool_calls[0].text


async def test_denied_calls_never_reach_the_tool(runs: Path) -> None:
    agent, _ = scripted([CALL, FINAL], runs, echo := Echo(), approval=Approval({"echo.*": "deny"}))
    async with agent:
        result = await agent.run("Say hi")
    assert not echo.asked
    assert result.tool_calls[0].error
    assert "not allowed" in result.tool_calls[0].text


async def test_the_one_who_is_asked_sees_the_whole_call(runs: Path) -> None:
    seen: list[PendingCall] = []

    def ask(pending: PendingCall) -> bool | str:
        seen.append(pending)
        return "not today" if len(seen) == 1 else True

    agent, _ = scripted([CALL, CALL, FINAL], runs, echo := Echo(), approval=Approval({"echo.*": "ask"}, ask))
    async with agent:
        result = await agent.run("Say hi")
    assert [(pending.recipient, pending.arguments) for pending in seen] == [("echo.say", '{"text": "hi"}')] * 2
    assert "not today" in result.tool_calls[0].text
    assert len(echo.asked) == 1


async def test_a_rule_for_a_tool_that_is_not_there_is_refused(runs: Path) -> None:
    agent, _ = scripted([FINAL], runs, Echo(), approval=Approval({"container.*": "deny"}))
    with pytest.raises(UserError, match="matches no tool"):
        async with agent:
            pass


async def test_two_tools_of_one_name_are_refused(runs: Path) -> None:
    with pytest.raises(UserError, match="Two tools are called 'echo'"):
        scripted([FINAL], runs, Echo(), Echo())


async def test_a_preview_needs_neither_engine_nor_sandbox(runs: Path) -> None:
    agent, engine = scripted([FINAL], runs, add)
    text = harmony.encoding().decode(await agent.preview("Hello"))
    assert text.endswith("<|start|>user<|message|>Hello<|end|><|start|>assistant")
    assert not engine.calls
