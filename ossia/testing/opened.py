"""A tool without a model: the text that the model would see."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ossia.errors import UserError
from ossia.sandbox import Sandbox, SandboxProvider, resolve
from ossia.tools.protocol import OpenTool, Tool, ToolContext, ToolResult
from ossia.types import JsonValue


@dataclass(frozen=True, slots=True)
class OpenedTool:
    """An open tool that takes calls from a test or a script."""

    tool: Tool
    _open: OpenTool

    async def call(self, recipient: str, arguments: str | Mapping[str, JsonValue] = "") -> str:
        """The text that the model would see. `arguments` as the model writes them, or as a mapping."""
        return (await self.result(recipient, arguments)).text

    async def result(self, recipient: str, arguments: str | Mapping[str, JsonValue] = "") -> ToolResult:
        """The whole result of a call. Raises `UserError` when the tool has no such recipient."""
        if recipient not in self.tool.namespace.recipients:
            known = ", ".join(self.tool.namespace.recipients)
            raise UserError(f"{recipient!r} is no function of this tool: it has {known}.")
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        return await self._open.call(recipient, text)


@asynccontextmanager
async def opened(tool: Tool, *, sandbox: str | SandboxProvider | None = None) -> AsyncIterator[OpenedTool]:
    """Open `tool` in a session of its own, with a sandbox if it needs one: `async with opened(Python()) as t`."""
    provider: SandboxProvider | None = None
    held: Sandbox | None = None

    async def get() -> Sandbox:
        nonlocal provider, held
        if held is None:
            if tool.needs is None:
                raise UserError("This tool did not declare that it needs a sandbox.")
            provider = await resolve(sandbox, tool.needs)
            held = await provider.open(tool.needs)
        return held

    try:
        async with tool.open(ToolContext("opened", get)) as open_tool:
            yield OpenedTool(tool, open_tool)
    finally:
        if held is not None:
            await held.close()
        if provider is not None and provider is not sandbox:
            await provider.aclose()
