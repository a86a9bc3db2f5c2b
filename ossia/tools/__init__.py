"""What a model can call."""

from ossia.tools.approval import Approval, PendingCall, Verdict
from ossia.tools.browser import Browser, Corpus
from ossia.tools.functions import Function, FunctionTools, ToolError, collect, connected, tool
from ossia.tools.mcp import MCP
from ossia.tools.protocol import Image, OpenTool, Tool, ToolContext, ToolResult, ToolSource
from ossia.tools.python import Python

__all__ = [
    "MCP",
    "Approval",
    "Browser",
    "Corpus",
    "Function",
    "FunctionTools",
    "Image",
    "OpenTool",
    "PendingCall",
    "Python",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolResult",
    "ToolSource",
    "Verdict",
    "collect",
    "connected",
    "tool",
]
