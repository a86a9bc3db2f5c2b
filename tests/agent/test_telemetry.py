"""The spans that a tracing application sees, and that there is nothing where nobody traces."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

from ossia.agent import Limits, _spans
from ossia.agent._spans import CAPTURE
from ossia.errors import SandboxUnavailable
from ossia.testing import Play
from ossia.tools import ToolResult
from tests.agent.conftest import CALL, FINAL, Echo, scripted

USELESS = "<|channel|>analysis<|message|>Let me see.<|return|>"


def use(provider: TracerProvider, monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What `trace.set_tracer_provider` does, which can be done once in a process."""
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    monkeypatch.delenv(CAPTURE, raising=False)
    provider = TracerProvider(shutdown_on_exit=False)
    yield use(provider, monkeypatch)
    provider.shutdown()


def spans(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    return sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)


def attributes(span: ReadableSpan) -> Mapping[str, AttributeValue]:
    assert span.attributes is not None
    return span.attributes


def test_the_names_are_those_of_the_conventions() -> None:
    used = set(re.findall(r'"(gen_ai\.[a-z_.]+)"', Path(_spans.__file__).read_text()))
    assert len(used) > 15
    assert used <= {value for value in vars(gen_ai_attributes).values() if isinstance(value, str)}


def parents(found: list[ReadableSpan]) -> dict[str, str | None]:
    names = {span.context.span_id: span.name for span in found if span.context}
    return {span.name: names[span.parent.span_id] if span.parent else None for span in found}


async def test_a_turn_is_an_agent_its_completions_and_its_calls(exported: InMemorySpanExporter, runs: Path) -> None:
    agent, _ = scripted([CALL, FINAL], runs, Echo(), sampling={"seed": 7, "temperature": 0.5})
    async with agent:
        result = await agent.run("Say hi")
    found = spans(exported)
    assert [span.name for span in found] == [
        "invoke_agent",
        "chat scripted",
        "execute_tool echo.say",
        "chat scripted",
    ]
    assert parents(found) == {
        "invoke_agent": None,
        "chat scripted": "invoke_agent",
        "execute_tool echo.say": "invoke_agent",
    }
    turn, first, call, second = map(attributes, found)
    assert turn["ossia.run.id"] == result.run_id
    assert turn["ossia.outcome"] == "final"
    assert turn["gen_ai.usage.input_tokens"] == result.usage.prompt_tokens
    assert turn["gen_ai.usage.output_tokens"] == result.usage.sampled_tokens
    assert first["gen_ai.operation.name"] == "chat"
    assert first["gen_ai.provider.name"] == "scripted"
    assert first["gen_ai.request.model"] == first["gen_ai.response.model"] == "scripted"
    assert (first["gen_ai.request.seed"], first["gen_ai.request.temperature"]) == (7, 0.5)
    assert first["gen_ai.response.finish_reasons"] == ("tool_call",)
    assert second["gen_ai.response.finish_reasons"] == ("stop",)
    assert call["gen_ai.tool.name"] == "echo.say"
    assert call["gen_ai.tool.call.id"] == f"{result.run_id}/0"
    assert {span.status.status_code for span in found} == {StatusCode.UNSET}
    assert {span.kind for span in found} == {SpanKind.INTERNAL}


async def test_what_was_said_is_recorded_only_where_asked_for(
    exported: InMemorySpanExporter, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, _ = scripted([CALL, FINAL, CALL, FINAL], runs, Echo(), instructions="Be brief.")
    async with agent:
        await agent.run("Say hi")
        silent = [dict(attributes(span)) for span in spans(exported)]
        exported.clear()
        monkeypatch.setenv(CAPTURE, "SPAN_ONLY")
        await agent.run("Say hi")
    assert not any("hi" in str(value) or "brief" in str(value) for span in silent for value in span.values())
    turn, first, call, _ = map(attributes, spans(exported))
    assert json.loads(str(turn["gen_ai.system_instructions"])) == [{"type": "text", "content": "Be brief."}]
    assert json.loads(str(turn["gen_ai.input.messages"])) == [
        {"role": "user", "parts": [{"type": "text", "content": "Say hi"}]}
    ]
    assert json.loads(str(turn["gen_ai.output.messages"]))[0]["parts"] == [{"type": "text", "content": "It is 4."}]
    assert json.loads(str(first["gen_ai.output.messages"])) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Let me see."},
                {"type": "tool_call", "name": "echo.say", "arguments": '{"text": "hi"}'},
            ],
            "finish_reason": "tool_call",
        }
    ]
    assert call["gen_ai.tool.call.arguments"] == call["gen_ai.tool.call.result"] == '{"text": "hi"}'


async def test_a_discarded_completion_is_a_chat_of_its_own(exported: InMemorySpanExporter, runs: Path) -> None:
    agent, _ = scripted([USELESS, FINAL], runs)
    async with agent:
        await agent.run("Say hi")
    assert [attributes(span)["ossia.kept"] for span in spans(exported)[1:]] == [False, True]


async def test_a_failure_of_ours_ends_the_open_span_as_failed(exported: InMemorySpanExporter, runs: Path) -> None:
    agent, _ = scripted([Play(CALL, fail_after=3)], runs, Echo())
    async with agent:
        await agent.run("Say hi")
    turn, chat = spans(exported)
    for span in (turn, chat):
        assert (span.status.status_code, attributes(span)["error.type"]) == (StatusCode.ERROR, "infrastructure")
    assert "failed after 3 token ids" in str(turn.status.description)


async def test_a_call_that_ends_in_an_error_says_so(exported: InMemorySpanExporter, runs: Path) -> None:
    agent, _ = scripted([CALL.replace("echo.say", "nobody.say"), FINAL], runs, Echo())
    async with agent:
        await agent.run("Say hi")
    assert attributes(spans(exported)[2])["error.type"] == "tool_error"


async def test_a_limit_is_an_error_of_the_turn(exported: InMemorySpanExporter, runs: Path) -> None:
    agent, _ = scripted([CALL, FINAL], runs, Echo(), limits=Limits(steps=1))
    async with agent:
        await agent.run("Say hi")
    turn = attributes(spans(exported)[0])
    assert (turn["ossia.outcome"], turn["ossia.limit"], turn["error.type"]) == ("limit", "steps", "limit")


async def test_a_cancelled_turn_leaves_no_span_open(exported: InMemorySpanExporter, runs: Path) -> None:
    agent, _ = scripted([Play(CALL, stall_after=3)], runs, Echo())
    before = trace.get_current_span()
    async with agent:
        task = asyncio.create_task(agent.run("Say hi"))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.wait([task])
    assert [span.name for span in spans(exported)] == ["invoke_agent", "chat scripted"]
    assert attributes(spans(exported)[0])["ossia.outcome"] == "cancelled"
    assert trace.get_current_span() is before


async def test_a_turn_that_breaks_leaves_no_span_open(exported: InMemorySpanExporter, runs: Path) -> None:
    agent, _ = scripted([CALL], runs, Echo([ZeroDivisionError("a bug")]))
    async with agent:
        with pytest.raises(ZeroDivisionError):
            await agent.run("Say hi")
    assert {attributes(span).get("error.type") for span in spans(exported)} == {None, "left"}
    assert len(spans(exported)) == 3


@dataclass
class Tracing(Echo):
    """A tool that makes a span of its own, as an instrumented HTTP client does."""

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        with trace.get_tracer("test").start_as_current_span("inside"):
            return ToolResult("done")


async def test_spans_of_a_tool_lie_in_its_call_and_the_turn_in_the_applications(
    exported: InMemorySpanExporter, runs: Path
) -> None:
    agent, _ = scripted([CALL, FINAL], runs, Tracing())
    async with agent:
        with trace.get_tracer("test").start_as_current_span("request"):
            await agent.run("Say hi")
    found = parents(spans(exported))
    assert found["inside"] == "execute_tool echo.say"
    assert found["invoke_agent"] == "request"


async def test_turns_at_once_keep_their_spans_apart(exported: InMemorySpanExporter, runs: Path) -> None:
    agent, _ = scripted(lambda prompt: FINAL if len(prompt) > 150 else CALL, runs, Echo())
    async with agent:
        await asyncio.gather(*(agent.run("Say hi") for _ in range(8)))
    found = spans(exported)
    for turn in (span for span in found if span.name == "invoke_agent"):
        inside = [s for s in found if s.parent and turn.context and s.parent.span_id == turn.context.span_id]
        conversations = {attributes(span).get("gen_ai.conversation.id") for span in (turn, *inside)} - {None}
        assert len(inside) >= 1
        assert len(conversations) == 1
    assert sum(span.name == "invoke_agent" for span in found) == 8


async def test_a_resumed_run_is_traced_from_where_it_goes_on(exported: InMemorySpanExporter, runs: Path) -> None:
    agent, _ = scripted([CALL, FINAL], runs, Echo())
    async with agent:
        await agent.run("Say hi")
    path = next(runs.glob("*.jsonl"))
    kept = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(kept[: next(n for n, line in enumerate(kept) if b"call_ended" in line) + 1]))
    exported.clear()
    agent, _ = scripted([FINAL], runs, Echo())
    async with agent:
        result = await agent.resume(path)
    turn, chat = spans(exported)
    assert (turn.name, chat.name) == ("invoke_agent", "chat scripted")
    assert attributes(turn)["ossia.run.id"] == result.run_id


async def test_an_application_that_samples_nothing_gets_nothing(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = use(TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False), monkeypatch)
    agent, _ = scripted([CALL, FINAL], runs, Echo())
    async with agent:
        assert (await agent.run("Say hi")).outcome == "final"
    assert not spans(exporter)


async def test_a_broken_sandbox_is_an_error_of_its_call(exported: InMemorySpanExporter, runs: Path) -> None:
    agent, _ = scripted([CALL], runs, Echo([SandboxUnavailable("gone")]))
    async with agent:
        assert (await agent.run("Say hi")).outcome == "infrastructure"
    assert attributes(spans(exported)[2])["error.type"] == "infrastructure"


def test_without_a_tracing_application_opentelemetry_is_not_even_imported(runs: Path) -> None:
    code = """
import asyncio, sys
from ossia import Agent
from ossia.testing import ScriptedEngine

async def main():
    async with Agent(engine=ScriptedEngine(["<|channel|>final<|message|>4<|return|>"]), journal=False) as agent:
        assert (await agent.run("2 + 2?")).final == "4"

asyncio.run(main())
assert not any(name.startswith("opentelemetry") for name in sys.modules), sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
