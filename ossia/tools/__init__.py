"""What a model can call."""

from ossia.tools.protocol import Image, OpenTool, Tool, ToolContext, ToolResult
from ossia.tools.python import Python

__all__ = ["Image", "OpenTool", "Python", "Tool", "ToolContext", "ToolResult"]
