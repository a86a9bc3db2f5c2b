"""Calls of a tool without an agent."""

import json

from ossia.errors import SandboxUnavailable
from ossia.sandbox.protocol import Sandbox
from ossia.tools.protocol import Tool, ToolContext, ToolResult
from ossia.types import JsonValue


async def no_sandbox() -> Sandbox:
    raise SandboxUnavailable("there is none here")


CONTEXT = ToolContext("session-1", no_sandbox)


async def call(made: Tool, arguments: JsonValue = None, context: ToolContext = CONTEXT) -> ToolResult:
    """Call the first function of a tool; `arguments` as JSON, or as the model's own text."""
    text = arguments if isinstance(arguments, str) else json.dumps({} if arguments is None else arguments)
    async with made.open(context) as opened:
        return await opened.call(made.namespace.recipients[0], text)
