"""What a tool is: a namespace that the model can call, and what it needs to act."""

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ossia.sandbox.protocol import Sandbox, SandboxNeeds
from ossia.types import JsonValue, Scalar, ToolNamespace


@dataclass(frozen=True, slots=True)
class Image:
    """An image that a tool made; the model sees a line of text in its place."""

    mime: str
    """`image/png` or `image/jpeg`."""
    data: bytes


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gave."""

    text: str
    """What the model sees, whole."""
    error: bool = False
    """True when the call failed (the cell raised, an argument was wrong): the model's affair, not an error of ours."""
    images: tuple[Image, ...] = ()
    details: Mapping[str, Scalar] = field(default_factory=dict)
    """Facts for the journal that the model does not see, such as the status of a cell."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a session hands to its tools."""

    session_id: str
    sandbox: Callable[[], Awaitable[Sandbox]]
    """The session's one sandbox, opened at the first call. Raises `SandboxUnavailable`."""
    parse: Callable[[str], JsonValue] = json.loads
    """Reads the JSON that the model wrote as a call's arguments; raises `ValueError` where it can't."""
    scope: Callable[[], object] = lambda: None
    """What agents that are tools of agents are handed: opaque to all other tools."""


@runtime_checkable
class OpenTool(Protocol):
    """A tool in one session, with the state that it keeps there (cursors, say)."""

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        """Answer a call: `arguments` is the text that the model wrote, JSON or (python) code.

        Whatever the model wrote ends in a result. Raises `InfrastructureError` only when a part of ours failed.
        """
        ...


@runtime_checkable
class Tool(Protocol):
    """What a user gives to an agent. Tools never own sandboxes: they say what they need, and get the session's."""

    @property
    def namespace(self) -> ToolNamespace: ...

    @property
    def needs(self) -> SandboxNeeds | None:
        """What the tool needs of a sandbox; None: it needs none."""
        ...

    def open(self, context: ToolContext) -> AbstractAsyncContextManager[OpenTool]:
        """The tool in one session; leaving the context releases what it holds."""
        ...


@runtime_checkable
class ToolSource(Protocol):
    """Something that becomes a tool when it is connected, because only then it is known what it offers (MCP)."""

    def connect(self) -> AbstractAsyncContextManager[Tool]:
        """The tool, for all sessions of an agent; leaving the context releases what it holds.

        May be left from another task than it was entered from. Raises `InfrastructureError` when it can't be had.
        """
        ...
