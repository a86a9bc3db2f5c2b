"""An agent as a tool of another agent."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ossia.agent.result import RunResult
from ossia.errors import InfrastructureError
from ossia.sandbox.protocol import SandboxNeeds
from ossia.tools.protocol import Tool, ToolContext, ToolResult
from ossia.types import FunctionSpec, JsonValue, Scalar, ToolNamespace

if TYPE_CHECKING:
    from ossia.agent.agent import Agent

_PARAMETERS: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"task": {"type": "string", "description": "What to do, whole: the agent sees nothing else."}},
    "required": ["task"],
}


@dataclass(frozen=True, slots=True)
class AgentTool:
    """An agent that another one can ask, with a transcript of its own. What it uses counts for the asker's limits.

    Made by `Agent.as_tool`. It is opened and closed with the agent that has it as a tool.
    """

    agent: "Agent"
    name: str
    description: str
    share_sandbox: bool

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Tool]:
        """The tool, with its agent open."""
        async with self.agent:
            yield _Connected(self)


@dataclass(frozen=True, slots=True)
class _Connected:
    """The tool once its agent is open."""

    tool: AgentTool

    @property
    def namespace(self) -> ToolNamespace:
        ask = FunctionSpec("ask", self.tool.description, _PARAMETERS)
        return ToolNamespace(self.tool.name, functions=(ask,), placement="developer")

    @property
    def needs(self) -> SandboxNeeds | None:
        """Its agent's needs, where it works in the asker's sandbox."""
        return self.tool.agent.needs if self.tool.share_sandbox else None

    @asynccontextmanager
    async def open(self, context: ToolContext) -> AsyncIterator["_Open"]:
        yield _Open(self.tool, context)


@dataclass(frozen=True, slots=True)
class _Open:
    """The tool in one session of the agent that asks."""

    tool: AgentTool
    context: ToolContext

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        """Give the task to the agent and wait for its answer."""
        try:
            value = self.context.parse(arguments)
        except ValueError as error:
            return ToolResult(f'The arguments are not JSON: {error}. Give {{"task": "..."}}.', error=True)
        task = value.get("task") if isinstance(value, Mapping) else None
        if not isinstance(task, str) or not task.strip():
            return ToolResult('Give {"task": "..."}: what the agent shall do, as text.', error=True)
        async with self.tool.agent.nested_session(self.context, share_sandbox=self.tool.share_sandbox) as session:
            return self._answer(await session.run(task))

    def _answer(self, result: RunResult) -> ToolResult:
        details: dict[str, Scalar] = {
            "run_id": result.run_id,
            "outcome": result.outcome,
            "tokens": result.usage.sampled_tokens,
        }
        if result.outcome == "infrastructure":
            raise InfrastructureError(f"The agent {self.tool.name} failed: {result.error}")
        if result.final is None:
            why = result.error or (f"the limit {result.limit!r} was reached" if result.limit else result.outcome)
            return ToolResult(f"The agent did not finish: {why}.", error=True, details=details)
        return ToolResult(result.final, details=details)
