"""The doubles that users need too: an engine that plays a script, tools without a model."""

from ossia.testing.opened import OpenedTool, opened
from ossia.testing.scripted import Call, Completion, Play, Script, ScriptedEngine

__all__ = ["Call", "Completion", "OpenedTool", "Play", "Script", "ScriptedEngine", "opened"]
