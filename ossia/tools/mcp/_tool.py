"""The tools of an MCP server as one tool of an agent."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import mcp_types as types
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for
from mcp import MCPError
from referencing import Registry
from referencing.exceptions import Unresolvable

from ossia.errors import UserError
from ossia.tools.functions.arguments import expected, invalid, read_object
from ossia.tools.functions.names import callable_names
from ossia.tools.mcp._config import MCP
from ossia.tools.mcp._connection import Connection, ConnectionLost
from ossia.tools.mcp._content import render
from ossia.tools.mcp._server import Server
from ossia.tools.protocol import ToolContext, ToolResult
from ossia.tools.python import shorten
from ossia.types import FunctionSpec, JsonValue, ToolNamespace

_MAX_INSTRUCTIONS = 2_000


@dataclass(frozen=True, slots=True)
class MCPTool:
    """A connected server: the tools that it offers."""

    config: MCP
    namespace: ToolNamespace
    tools: Mapping[str, types.Tool]
    """By recipient."""
    server: Server | None
    """None: each session starts its own."""

    @property
    def needs(self) -> None:
        """The server runs on the host, not in a sandbox."""
        return None

    @asynccontextmanager
    async def open(self, context: ToolContext) -> AsyncIterator["OpenMCP"]:
        """The tools in one session. Raises `InfrastructureError` where the session's own server does not start."""
        if self.server is not None:
            yield OpenMCP(self, self.server, context)
            return
        server = await Server.start(self.config)
        try:
            yield OpenMCP(self, server, context)
        finally:
            await server.close()


@dataclass(frozen=True, slots=True)
class OpenMCP:
    """The tools in one session."""

    tool: MCPTool
    server: Server
    context: ToolContext

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        """Let the server answer. Raises `InfrastructureError` where it is lost for good."""
        tool = self.tool.tools.get(recipient)
        if tool is None:
            known = ", ".join(self.tool.tools)
            return ToolResult(f"There is no function called {recipient!r}. There are: {known}.", error=True)
        try:
            given = read_object(arguments, self.context.parse)
        except ValueError as error:
            return invalid(recipient, [str(error)], tool.input_schema)
        result = await self._answer(recipient, tool, given)
        result = replace(result, text=self.tool.config.redacted(result.text))
        if result.error and (wrong := _mismatches(tool, given)):
            hint = "\n".join((*(f"- {line}" for line in wrong), expected(tool.input_schema)))
            result = replace(result, text=f"{result.text}\n{hint}")
        if recipient == f"{self.tool.namespace.name}.{tool.name}":
            return result
        # The journal names the tool as its server does, where the model has to call it otherwise.
        return replace(result, details={**result.details, "function": tool.name})

    async def _answer(self, recipient: str, tool: types.Tool, given: Mapping[str, JsonValue]) -> ToolResult:
        try:
            return render(await self.server.call(tool, given), self.tool.config.max_chars)
        except TimeoutError:
            seconds = self.tool.config.timeout
            return _failed("timeout", f"{recipient} was stopped: it did not answer within {seconds:g} s.")
        except ConnectionLost:
            return _failed(
                "lost",
                f"The server of {recipient} was lost during this call and has been started again. Whether the call had "
                "an effect is not known, and what the server remembered may be gone.",
            )
        except MCPError as error:
            return _failed("tool_error", f"{recipient} failed: {error.message}")
        except ValueError as error:
            return _failed("bad_answer", f"{recipient} gave an answer that breaks its own rules: {error}")


@asynccontextmanager
async def connected(config: MCP) -> AsyncIterator[MCPTool]:
    """The tools of a server that is started and stopped with this context."""
    server = await Server.start(config)
    try:
        namespace, tools = _namespace(config, server.connection)
        if config.per_session:
            await server.close()  # it was asked what it offers
        yield MCPTool(config, namespace, tools, None if config.per_session else server)
    finally:
        await server.close()


def _namespace(config: MCP, connection: Connection) -> tuple[ToolNamespace, Mapping[str, types.Tool]]:
    offered = [tool for tool in connection.tools if config.offers(tool.name) and not _needs_tasks(tool)]
    if not offered:
        known = ", ".join(tool.name for tool in connection.tools) or "none"
        raise UserError(f"The MCP server {config.label!r} offers none of the tools asked for. Its tools are: {known}.")
    name = config.name or callable_names([connection.name or "mcp"])[connection.name or "mcp"]
    names = callable_names([tool.name for tool in offered])
    functions = tuple(
        FunctionSpec(names[tool.name], tool.description or tool.title or "", tool.input_schema) for tool in offered
    )
    description = shorten(connection.instructions or "", _MAX_INSTRUCTIONS)
    namespace = ToolNamespace(name, description, functions, placement="developer")
    return namespace, dict(zip(namespace.recipients, offered, strict=True))


def _needs_tasks(tool: types.Tool) -> bool:
    """Whether the tool answers only to MCP's way of running long tasks, which its later versions have dropped."""
    return tool.execution is not None and tool.execution.task_support == "required"


def _mismatches(tool: types.Tool, given: Mapping[str, JsonValue]) -> list[str]:
    """How the arguments differ from the tool's schema: servers take more than theirs says, and explain less."""
    try:
        validator = validator_for(tool.input_schema, default=Draft202012Validator)
        validator.check_schema(tool.input_schema)
        # An empty registry: without one, a reference to another document would be fetched from the network.
        errors = list(validator(tool.input_schema, registry=Registry()).iter_errors(dict(given)))
    except (SchemaError, Unresolvable, re.error, RecursionError):
        return []  # a schema that can't be applied says nothing of the arguments
    return [
        f"{error.json_path.removeprefix('$').removeprefix('.') or 'the object'}: {error.message}"
        for error in errors[:10]
    ]


def _failed(status: str, text: str) -> ToolResult:
    return ToolResult(text, error=True, details={"status": status})
