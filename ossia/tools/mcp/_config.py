"""Which MCP server, and which of its tools."""

import re
import shlex
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from ossia.errors import UserError
from ossia.tools.functions.names import is_callable_name

if TYPE_CHECKING:
    from ossia.tools.mcp._tool import MCPTool

_SECRET = re.compile(r"key|token|secret|passw|pwd|credential|auth|cookie|dsn|(?:^|_)pat$", re.IGNORECASE)
"""Names of variables and headers whose values are secrets."""
_LEAST_SECRET = 6
"""Characters of a value that is worth hiding, and can be told from a word of the answer."""


@dataclass(frozen=True, slots=True)
class MCP:
    """An MCP server whose tools the model may call: a command that speaks MCP on stdin and stdout, or a URL.

    ```python
    MCP("npx -y @modelcontextprotocol/server-everything", include=["echo", "get-*"])
    MCP(url="http://127.0.0.1:8000/mcp", headers={"Authorization": "Bearer ..."})
    ```
    The server is trusted: a command runs on the host, with the rights of this process, not in a sandbox. It is started
    when the agent opens, started again once if it fails, and stopped with the agent.
    """

    command: str | Sequence[str] | None = None
    """As in a shell (but none is used), or as a list."""
    url: str | None = None
    """Of a server that speaks streamable HTTP."""
    name: str | None = None
    """The namespace that the model sees; None: the name that the server gives itself."""
    include: Sequence[str] = ("*",)
    """Globs of the names of the tools that the model may call."""
    exclude: Sequence[str] = ()
    """Globs of those that it may not, whatever `include` says."""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment variables of the command, beside HOME, LOGNAME, PATH, SHELL, TERM and USER. No others are passed."""
    cwd: str | Path | None = None
    """Working directory of the command; None: this process's."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """HTTP headers of each request to `url`."""
    timeout: float = 120.0
    """Seconds that a call may take."""
    start_timeout: float = 60.0
    """Seconds that the server may take to start and to list its tools."""
    max_chars: int = 50_000
    """Most characters of one result that the model sees: head and tail are kept, the middle is left out."""
    per_session: bool = False
    """A server for each session, so that none sees what another did; else all sessions of an agent share one."""

    def __post_init__(self) -> None:
        if (self.command is None) == (self.url is None):
            raise UserError('MCP(...): give a command or a url, such as MCP("npx -y server") or MCP(url="http://...").')
        if self.command is not None and not self.argv:
            raise UserError("MCP(command=...): the command is empty.")
        if isinstance(self.command, str) and self.command.startswith(("http://", "https://")):
            raise UserError(f"MCP({self.command!r}): give a URL by name, `MCP(url=...)`.")
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise UserError(f"MCP(url={self.url!r}): a URL begins with http:// or https://.")
        if self.name is not None and not is_callable_name(self.name):
            raise UserError(f"MCP(name={self.name!r}): use letters, digits, `_` and `-`, no digit first.")
        if self.timeout <= 0 or self.start_timeout <= 0:
            raise UserError("MCP(timeout=, start_timeout=): give seconds, more than 0.")
        if self.max_chars < 200:
            raise UserError(f"MCP(max_chars={self.max_chars}): a result needs at least 200 characters.")
        for option in ("include", "exclude"):
            if isinstance(getattr(self, option), str):
                raise UserError(f'MCP({option}=...): give a list of globs, such as ["get_*"].')

    @property
    def argv(self) -> tuple[str, ...]:
        """The command and its arguments; empty for a URL. Raises `UserError` where a quote is not closed."""
        if self.command is None:
            return ()
        if not isinstance(self.command, str):
            return tuple(self.command)
        try:
            return tuple(shlex.split(self.command))
        except ValueError as error:
            raise UserError(f"MCP({self.command!r}) is no command: {error}.") from error

    @property
    def label(self) -> str:
        """The server in words, for messages: its command as given, or its URL without user and query."""
        if self.url is not None:
            return self.url.partition("?")[0].rpartition("@")[2]
        return (
            Path(self.argv[0]).name if len(self.argv) == 1 else f"{Path(self.argv[0]).name} {' '.join(self.argv[1:])}"
        )

    def offers(self, tool: str) -> bool:
        """Whether the model may call the server's tool of this name."""
        return any(fnmatchcase(tool, p) for p in self.include) and not any(fnmatchcase(tool, p) for p in self.exclude)

    def redacted(self, text: str) -> str:
        """`text` without the secrets that the server was given: a server that shows its environment, or repeats its
        headers in an error, must not put them before the model or into journals."""
        for name, value in (*self.env.items(), *self.headers.items()):
            if _SECRET.search(name):
                # Of "Bearer ..." the scheme is none.
                for secret in (value, value.rpartition(" ")[2]):
                    if len(secret) >= _LEAST_SECRET:
                        text = text.replace(secret, f"[{name}]")
        return text

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["MCPTool"]:
        """The server's tools, for all sessions of an agent.

        Raises `UserError` where the package `mcp` or the command is missing or no tool is left, `InfrastructureError`
        where the server does not start.
        """
        try:
            import mcp  # noqa: F401
        except ImportError as error:
            raise UserError("MCP servers need the package `mcp`: pip install 'ossia[mcp]'.") from error
        from ossia.tools.mcp._tool import connected

        async with connected(self) as tool:
            yield tool
