"""Agents, sessions, the loop, events, limits, the journal."""

from ossia.agent._workspace import Files, save_files
from ossia.agent.agent import Agent, SamplingFields
from ossia.agent.events import (
    AnswerRefused,
    CallEnded,
    CallStarted,
    ContextRewritten,
    Event,
    RunEnded,
    RunResumed,
    RunStarted,
    SandboxOpened,
    StepEnded,
    StepStarted,
    TextDelta,
)
from ossia.agent.journal import Journal, journal_path, read_journal, runs_directory
from ossia.agent.limits import Limits
from ossia.agent.result import Outcome, RunResult, ToolCall, Usage
from ossia.agent.session import Session
from ossia.agent.stream import RunStream
from ossia.agent.sync import SyncAgent, SyncSession

__all__ = [
    "Agent",
    "AnswerRefused",
    "CallEnded",
    "CallStarted",
    "ContextRewritten",
    "Event",
    "Files",
    "Journal",
    "Limits",
    "Outcome",
    "RunEnded",
    "RunResult",
    "RunResumed",
    "RunStarted",
    "RunStream",
    "SamplingFields",
    "SandboxOpened",
    "Session",
    "StepEnded",
    "StepStarted",
    "SyncAgent",
    "SyncSession",
    "TextDelta",
    "ToolCall",
    "Usage",
    "journal_path",
    "read_journal",
    "runs_directory",
    "save_files",
]
