"""The yardstick of nano: small tasks with each tool, through the agent, the tools and the sandbox."""

from ossia.evals.nano._browser import NanoBrowser
from ossia.evals.nano._functions import NanoFunctions
from ossia.evals.nano._python import NanoPython

__all__ = ["NanoBrowser", "NanoFunctions", "NanoPython"]
