"""What the loop's tests share: an engine that plays a script, and a tool that needs no sandbox."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ossia.agent import Agent
from ossia.testing import Script, ScriptedEngine
from ossia.tools import Tool, ToolContext, ToolResult
from ossia.types import FunctionSpec, ToolNamespace

THINK = "<|channel|>analysis<|message|>Let me see.<|end|><|start|>assistant"
FINAL = "<|channel|>final<|message|>It is 4.<|return|>"
CALL = THINK + '<|channel|>commentary to=echo.say json<|message|>{"text": "hi"}<|call|>'


@dataclass
class Echo:
    """A tool whose answers are given; it remembers what it was asked."""

    answers: list[str | BaseException] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    namespace = ToolNamespace("echo", "Says what it is told.", (FunctionSpec("say"),), "developer")
    needs = None

    @asynccontextmanager
    async def open(self, context: ToolContext) -> AsyncIterator["Echo"]:
        yield self

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        self.asked.append(arguments)
        answer = self.answers.pop(0) if self.answers else arguments
        if isinstance(answer, BaseException):
            raise answer
        return ToolResult(answer)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A directory for journals."""
    return tmp_path / "runs"


def scripted(
    script: Script, runs: Path, *tools: Tool | Callable[..., object], **options: object
) -> tuple[Agent, ScriptedEngine]:
    """An agent on a script, and its engine."""
    engine = ScriptedEngine(script)
    return Agent(engine=engine, tools=tools, journal=runs, **options), engine  # type: ignore[arg-type]
