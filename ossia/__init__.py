"""ossia: agents for gpt-oss that score what the models can score."""

from ossia.agent import Agent, Limits, RunResult, Session
from ossia.agent.task import Task, load_task
from ossia.engine import Sampling
from ossia.errors import EngineError, InfrastructureError, OssiaError, SandboxUnavailable, UserError
from ossia.sandbox import Bubblewrap, Docker, UnsafeLocal
from ossia.tools import MCP, Approval, Browser, Corpus, Python, ToolError, tool

__all__ = [
    "MCP",
    "Agent",
    "Approval",
    "Browser",
    "Bubblewrap",
    "Corpus",
    "Docker",
    "EngineError",
    "InfrastructureError",
    "Limits",
    "OssiaError",
    "Python",
    "RunResult",
    "Sampling",
    "SandboxUnavailable",
    "Session",
    "Task",
    "ToolError",
    "UnsafeLocal",
    "UserError",
    "load_task",
    "tool",
]
