"""Functions and MCP servers in runs of an agent, on a scripted engine."""

import sys
from pathlib import Path

from ossia.agent import Agent
from ossia.testing import ScriptedEngine
from ossia.tools.functions import ToolError, collect, connected, tool
from ossia.tools.mcp import MCP

SMALL = MCP([sys.executable, str(Path(__file__).parent / "mcp_small_server.py")])


@tool
async def rate(base: str, quote: str = "EUR") -> float:
    """The exchange rate."""
    if base != "USD":
        raise ToolError(f"There is no currency {base!r}.")
    return 0.8


@tool
def broken() -> None:
    """Fail."""
    raise KeyError("secret")


def call(recipient: str, arguments: str) -> str:
    return f"<|channel|>commentary to={recipient} <|constrain|>json<|message|>{arguments}<|call|>"


async def test_a_run_calls_functions_and_servers_and_gets_what_they_answer() -> None:
    engine = ScriptedEngine(
        [
            call("functions.rate", '{"base": "USD"}'),
            call("functions.rate", '{"base": "GBP"}'),
            call("functions.rate", '{"bse": "USD"}'),
            call("functions.broken", "{}"),
            call("small.remember", "{}"),
            "<|channel|>final<|message|>0.8<|return|>",
        ]
    )
    async with (
        connected(collect([rate, broken, SMALL])) as tools,
        Agent(engine=engine, tools=tools, journal=False) as agent,
    ):
        result = await agent.run("What is a dollar?")
    assert (result.outcome, result.final) == ("final", "0.8")
    texts = [c.text for c in result.tool_calls]
    assert texts[:2] == ["0.8", "There is no currency 'GBP'."]
    assert "- base: Field required\n- bse: Extra inputs are not permitted" in texts[2]
    assert texts[3].startswith("functions.broken failed with an error of its own")
    assert texts[4] == "1"
    assert [c.error for c in result.tool_calls] == [False, True, True, True, False]
    prompt = engine.calls[0].text
    assert "namespace functions {\n\n// The exchange rate.\ntype rate = (_: {" in prompt
    assert "namespace small {" in prompt
    assert engine.calls[1].text.startswith(prompt)
