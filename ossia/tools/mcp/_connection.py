"""One connection to an MCP server."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Self

import httpx2
import mcp_types as types
from anyio import BrokenResourceError, ClosedResourceError
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from ossia.errors import InfrastructureError, UserError
from ossia.tools.mcp._config import MCP
from ossia.tools.mcp._stderr import ServerLog
from ossia.types import JsonValue

_MAX_TOOLS = 1_000
_PROBE_SECONDS = 5.0
_HTTP_SECONDS = 30.0

_OF_THE_CALL = frozenset({types.INVALID_PARAMS, types.METHOD_NOT_FOUND, types.REQUEST_TIMEOUT})
"""Errors that say something of the call; any other may mean that the connection is gone."""


class ConnectionLost(Exception):
    """The server went away, or the way to it did."""


class Connection:
    """A connection that is served by a task of its own: mcp's contexts must be left by the task that entered them,
    but agents may be closed, and servers restarted, from any."""

    def __init__(self, config: MCP) -> None:
        self._config = config
        self._log = ServerLog() if config.argv else None
        self._stop = asyncio.Event()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._client: Client | None = None
        self._task = asyncio.create_task(self._serve(), name=f"mcp {config.label}")
        self.tools: tuple[types.Tool, ...] = ()
        self.name: str | None = None
        """What the server calls itself."""
        self.instructions: str | None = None
        """What the server says of all its tools."""

    @classmethod
    async def open(cls, config: MCP) -> Self:
        """Start the server and list its tools. Raises `UserError` or `InfrastructureError`."""
        connection = cls(config)
        try:
            await asyncio.shield(connection._ready)
        except BaseException:
            await connection.close()
            raise
        return connection

    @property
    def lost(self) -> bool:
        """True when the server is known to be gone; False says that it was there when last heard of."""
        return self._task.done() or (self._log is not None and self._log.ended)

    @property
    def last_words(self) -> str:
        """What the server last wrote to stderr, as the end of an error message."""
        tail = self._config.redacted(self._log.tail) if self._log else ""
        return f"\nIt last wrote to stderr:\n{tail}" if tail else ""

    async def call(self, name: str, arguments: Mapping[str, JsonValue]) -> types.CallToolResult:
        """Call a tool. Raises `TimeoutError`, `MCPError` or `ValueError` (an answer against the protocol) where the
        call failed, `ConnectionLost` where the server did."""
        if self._client is None or self.lost:
            raise ConnectionLost
        try:
            async with asyncio.timeout(self._config.timeout):
                return await self._client.call_tool(name, dict(arguments))
        except MCPError as error:
            if error.code not in _OF_THE_CALL and not await self._answers():
                raise ConnectionLost from error
            raise
        except (BrokenResourceError, ClosedResourceError) as error:
            raise ConnectionLost from error
        except RuntimeError as error:
            # How mcp says that structured content does not match the tool's own schema.
            raise ValueError(str(error)) from error

    async def close(self) -> None:
        """Stop the server. May be called twice."""
        self._stop.set()
        if not self._ready.done():
            self._task.cancel()
        try:
            await asyncio.wait([self._task])
        finally:
            self._close_log()
        if self._ready.done() and not self._ready.cancelled():
            self._ready.exception()  # seen

    async def _answers(self) -> bool:
        """Whether the server still answers: some errors of a lost connection look like errors of the server."""
        if self._client is None or self.lost:
            return False
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self._client.list_tools(cache_mode="refresh")
        except (MCPError, TimeoutError, RuntimeError, ValueError, BrokenResourceError, ClosedResourceError):
            return False
        return True

    async def _serve(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._config.start_timeout):
                    client = await self._connect(stack)
                    self.tools = await _list_tools(client)
                info = client.server_info
                self.name, self.instructions = info.name if info else None, client.instructions
                self._client = client
                if not self._ready.done():
                    self._ready.set_result(None)
                await self._stop.wait()
        except (Exception, BaseExceptionGroup, asyncio.CancelledError) as error:  # noqa: BLE001 (the boundary to mcp)
            # Whoever opens gets what happened as one of our errors; whoever calls later gets `ConnectionLost`.
            self._close_log()  # reads its last words
            if not self._ready.done():
                self._ready.set_exception(self._failure(error))

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()

    async def _connect(self, stack: AsyncExitStack) -> Client:
        config = self._config
        if self._log is not None:
            command, *arguments = config.argv
            parameters = StdioServerParameters(
                command=command, args=arguments, env=dict(config.env), cwd=config.cwd, encoding_error_handler="replace"
            )
            client = await stack.enter_async_context(Client(stdio_client(parameters, self._log.file)))
            self._log.file.close()  # the server has it: when it is gone, the reader sees the end
            return client
        http = await stack.enter_async_context(
            httpx2.AsyncClient(
                headers=dict(config.headers), timeout=httpx2.Timeout(_HTTP_SECONDS, read=config.timeout + _HTTP_SECONDS)
            )
        )
        return await stack.enter_async_context(Client(streamable_http_client(str(config.url), http_client=http)))

    def _failure(self, error: BaseException) -> Exception:
        """The error of a server that did not start, in a sentence."""
        causes = list(_leaves(error))
        label = self._config.label
        for cause in causes:
            if isinstance(cause, FileNotFoundError | PermissionError | NotADirectoryError):
                what = f"{cause.strerror}: {cause.filename!r}"
                return UserError(
                    f"The MCP server {label!r} can't be started: {what}. Install it or correct the command."
                )
        if any(isinstance(cause, TimeoutError) for cause in causes):
            seconds = self._config.start_timeout
            return InfrastructureError(f"The MCP server {label!r} was not ready in {seconds:g} s.{self.last_words}")
        what = self._config.redacted("; ".join(dict.fromkeys(str(cause) or type(cause).__name__ for cause in causes)))
        how = "can't be reached" if self._log is None else "did not start"
        return InfrastructureError(f"The MCP server {label!r} {how}: {what}.{self.last_words}")


async def _list_tools(client: Client) -> tuple[types.Tool, ...]:
    tools: list[types.Tool] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None or len(tools) >= _MAX_TOOLS:
            return tuple(tools)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
