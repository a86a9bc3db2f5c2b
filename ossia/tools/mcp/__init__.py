"""Tools of MCP servers. They are trusted: what they do, they do on the host, with the rights of this process."""

from ossia.tools.mcp._config import MCP

__all__ = ["MCP"]
