"""An MCP server that is restarted when it fails."""

import asyncio
from collections.abc import Mapping
from typing import Self

import mcp_types as types
from mcp import MCPError

from ossia.errors import InfrastructureError
from ossia.tools.mcp._config import MCP
from ossia.tools.mcp._connection import Connection, ConnectionLost
from ossia.types import JsonValue


class Server:
    """A server that is restarted once when it is lost, and given up when it is lost again before it has answered."""

    def __init__(self, config: MCP, connection: Connection) -> None:
        self._config = config
        self._connection = connection
        self._restarting = asyncio.Lock()
        self._restarted = False
        """Restarted, and no answer since."""

    @classmethod
    async def start(cls, config: MCP) -> Self:
        """Raises `UserError` or `InfrastructureError` where it does not start."""
        return cls(config, await Connection.open(config))

    @property
    def connection(self) -> Connection:
        """The connection now in use."""
        return self._connection

    async def call(self, tool: types.Tool, arguments: Mapping[str, JsonValue]) -> types.CallToolResult:
        """Call a tool. Raises as `Connection.call` does; `ConnectionLost` says that the server has been restarted, and
        that the call, which may have been acted on, was not repeated. `InfrastructureError`: there is no server."""
        if self._connection.lost:
            await self._restart(self._connection)
        connection = self._connection
        try:
            return await self._call(connection, tool, arguments)
        except ConnectionLost:
            await self._restart(connection)
            if not _repeatable(tool):
                raise
        try:
            return await self._call(self._connection, tool, arguments)
        except ConnectionLost:
            raise self._given_up(self._connection) from None

    async def close(self) -> None:
        """Stop the server."""
        await self._connection.close()

    async def _call(
        self, connection: Connection, tool: types.Tool, arguments: Mapping[str, JsonValue]
    ) -> types.CallToolResult:
        try:
            result = await connection.call(tool.name, arguments)
        except (MCPError, ValueError):
            self._restarted = False  # an answer too
            raise
        self._restarted = False
        return result

    async def _restart(self, lost: Connection) -> None:
        async with self._restarting:
            if self._connection is not lost:
                return  # a call of another session has restarted it
            await lost.close()
            if self._restarted:
                raise self._given_up(lost)
            self._connection = await Connection.open(self._config)
            self._restarted = True

    def _given_up(self, lost: Connection) -> InfrastructureError:
        self._restarted = False  # the next run may try again
        return InfrastructureError(
            f"The MCP server {self._config.label!r} was lost twice without an answer between.{lost.last_words}"
        )


def _repeatable(tool: types.Tool) -> bool:
    """Whether the tool says of itself that calling it twice does no more than calling it once."""
    hints = tool.annotations
    return hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)
