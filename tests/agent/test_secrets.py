"""Secrets given as such are written nowhere: not into journals, pages, exports, traces, results or errors."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest

from ossia import MCP, Agent, ToolError, load_task, tool
from ossia.agent import RunStarted, read_journal
from ossia.agent.export import training_records
from ossia.agent.task import recorded_task
from ossia.errors import InfrastructureError, UserError
from ossia.testing import ScriptedEngine
from ossia.view.page import render_run
from tests.agent.conftest import FINAL

SECRET = "sk-4711-very-secret"
SERVER = '''
import os, sys
from mcp.server.mcpserver import MCPServer
server = MCPServer("leaky")
@server.tool()
def environment() -> str:
    """Shows the environment."""
    return str(dict(os.environ))
@server.tool()
def die() -> str:
    """Dies with its key on its lips."""
    print("the key is", os.environ["API_TOKEN"], file=sys.stderr, flush=True)
    os._exit(1)
server.run()
'''


def call(recipient: str) -> str:
    return f"<|channel|>commentary to={recipient} json<|message|>{{}}<|call|>"


def assert_unwritten(runs: Path) -> None:
    for path in runs.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path
    for path in runs.glob("*.jsonl"):
        assert SECRET not in render_run(path)
        assert SECRET not in json.dumps([asdict(record) for record in training_records(path)])


@pytest.fixture
def server(tmp_path: Path) -> list[str]:
    (path := tmp_path / "leaky.py").write_text(SERVER)
    return [sys.executable, str(path)]


async def test_what_an_mcp_server_was_given_is_hidden_where_it_shows_it(server: list[str], tmp_path: Path) -> None:
    mcp = MCP(server, env={"API_TOKEN": SECRET, "MODE": "production"})
    assert SECRET not in repr(mcp)
    engine = ScriptedEngine([call("leaky.environment"), FINAL])
    async with Agent(engine=engine, tools=[mcp], journal=tmp_path / "runs") as agent:
        result = await agent.run("Go.")
    (said,) = result.tool_calls
    assert "[API_TOKEN]" in said.text
    assert "production" in said.text
    assert SECRET not in repr(result)
    assert SECRET not in engine.calls[-1].text
    assert_unwritten(tmp_path / "runs")


async def test_the_last_words_of_an_mcp_server_are_redacted(server: list[str], tmp_path: Path) -> None:
    engine = ScriptedEngine([call("leaky.die"), call("leaky.die"), FINAL])
    mcp = MCP(server, env={"API_TOKEN": SECRET})
    async with Agent(engine=engine, tools=[mcp], journal=tmp_path / "runs") as agent:
        result = await agent.run("Go.")
    assert result.outcome == "infrastructure"
    assert "the key is [API_TOKEN]" in (result.error or "")
    assert_unwritten(tmp_path / "runs")
    with pytest.raises(InfrastructureError) as failed:
        async with Agent(
            engine=engine,
            tools=[
                MCP(
                    [sys.executable, "-c", "import os; raise SystemExit(os.environ['API_TOKEN'])"],
                    env={"API_TOKEN": SECRET},
                )
            ],
        ):
            pass
    assert SECRET not in str(failed.value)


def test_headers_are_hidden_with_and_without_their_scheme() -> None:
    mcp = MCP(url="http://127.0.0.1:1/mcp", headers={"Authorization": f"Bearer {SECRET}", "Accept": "text/plain"})
    assert (
        mcp.redacted(f"401: {SECRET}, Bearer {SECRET}, text/plain")
        == "401: [Authorization], [Authorization], text/plain"
    )


def task_file(folder: Path, server: list[str], token: str) -> Path:
    tools = [{"mcp": {"command": server, "env": {"API_TOKEN": token}, "include": ["environment"]}}]
    (path := folder / "task.yaml").write_text(json.dumps({"engine": "nano", "tools": tools, "input": "Go."}))
    return path


async def recorded(path: Path, runs: Path) -> Mapping[str, object]:
    """The task that a run's journal holds."""
    task = load_task(path)
    origin = task.agent()._origin
    async with Agent(engine=ScriptedEngine([FINAL]), journal=runs, origin=origin) as agent:
        await agent.run(task.text)
    started = next(iter(read_journal(next(runs.glob("*.jsonl")))))
    assert isinstance(started, RunStarted)
    assert started.task is not None
    return started.task


async def test_a_secret_in_clear_in_a_task_is_left_out_of_its_journal(server: list[str], tmp_path: Path) -> None:
    task = await recorded(task_file(tmp_path, server, SECRET), tmp_path / "runs")
    assert_unwritten(tmp_path / "runs")
    with pytest.raises(UserError, match=r"API_TOKEN was given in clear, and journals do not record it"):
        recorded_task(json.loads(json.dumps(task))).agent()


async def test_a_secret_of_the_environment_is_filled_in_when_it_is_needed(
    server: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = task_file(tmp_path, server, "${LEAKY_TOKEN}")
    with pytest.raises(UserError, match="wants the environment variable LEAKY_TOKEN, which is not set"):
        load_task(path).agent()
    monkeypatch.setenv("LEAKY_TOKEN", SECRET)
    task = await recorded(path, tmp_path / "runs")
    assert_unwritten(tmp_path / "runs")
    (mcp,) = recorded_task(json.loads(json.dumps(task))).agent().tools
    assert isinstance(mcp, MCP)
    assert mcp.env == {"API_TOKEN": SECRET}


async def test_what_a_partial_has_bound_is_not_written(tmp_path: Path) -> None:
    def look_up(*, key: str) -> str:
        """Looks it up."""
        if not key:
            raise ToolError("no key")
        raise RuntimeError("the service said no")

    engine = ScriptedEngine([call("functions.look_up"), FINAL])
    bound = tool(partial(look_up, key=SECRET), name="look_up")
    async with Agent(engine=engine, tools=[bound], journal=tmp_path / "runs") as agent:
        result = await agent.run("Go.")
    assert "the service said no" in result.tool_calls[0].text
    assert SECRET not in engine.calls[-1].text
    assert_unwritten(tmp_path / "runs")
