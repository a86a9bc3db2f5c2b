"""A tool without a model: the text that the model would see."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ossia import harmony
from ossia.errors import UserError
from ossia.sandbox import Sandbox, SandboxProvider, resolve
from ossia.tools import OpenTool, Tool, ToolContext, ToolResult, ToolSource, collect, connected
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
async def opened(
    tool: Tool | ToolSource | Callable[..., object], *, sandbox: str | SandboxProvider | None = None
) -> AsyncIterator[OpenedTool]:
    """Open `tool` in a session of its own, with a sandbox if it needs one: `async with opened(Python()) as t`."""
    async with AsyncExitStack() as stack:
        (ready,) = await stack.enter_async_context(connected(collect([tool])))
        held: list[Sandbox] = []

        async def get() -> Sandbox:
            if not held:
                if ready.needs is None:
                    raise UserError("This tool did not declare that it needs a sandbox.")
                provider = await resolve(sandbox, ready.needs)
                if provider is not sandbox:
                    stack.push_async_callback(provider.aclose)
                held.append(await provider.open(ready.needs))
                stack.push_async_callback(held[0].close)
            return held[0]

        context = ToolContext("opened", get, parse=lambda text: harmony.parse_json(text).value)
        async with ready.open(context) as open_tool:
            yield OpenedTool(ready, open_tool)
