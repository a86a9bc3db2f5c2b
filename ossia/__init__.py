"""ossia: agents for gpt-oss that score what the models can score."""

from ossia.agent import Agent, Limits, RunResult, Session
from ossia.engine import Sampling
from ossia.errors import EngineError, InfrastructureError, OssiaError, SandboxUnavailable, UserError
from ossia.sandbox import Bubblewrap, Docker, UnsafeLocal
from ossia.tools import Python

__all__ = [
    "Agent",
    "Bubblewrap",
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
    "UnsafeLocal",
    "UserError",
]
