"""Python functions that a model can call. They are trusted, and run in the caller's process."""

from ossia.tools.functions._act import ToolError
from ossia.tools.functions._connected import connected
from ossia.tools.functions._function import Function, tool
from ossia.tools.functions._functions import FunctionTools, collect

__all__ = ["Function", "FunctionTools", "ToolError", "collect", "connected", "tool"]
