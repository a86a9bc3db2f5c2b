"""Tools that must be connected before it is known what they offer."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from ossia.tools.protocol import Tool, ToolSource


@asynccontextmanager
async def connected(tools: Iterable[Tool | ToolSource]) -> AsyncIterator[tuple[Tool, ...]]:
    """The tools in their order, those that are sources connected: all at the same time, as each may take seconds.

    Raises what the first of them raises that can't be connected, once those that could are released.
    """
    async with AsyncExitStack() as stack:

        async def one(tool: Tool | ToolSource) -> Tool:
            return await stack.enter_async_context(tool.connect()) if isinstance(tool, ToolSource) else tool

        found = await asyncio.gather(*(one(tool) for tool in tools), return_exceptions=True)
        for failure in found:
            if isinstance(failure, BaseException):
                raise failure
        yield tuple(tool for tool in found if not isinstance(tool, BaseException))
