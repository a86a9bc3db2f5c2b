"""The spans of a turn, named by OpenTelemetry's semantic conventions for generative AI (development status, v1.41).

invoke_agent holds a `chat` for each completion and an `execute_tool` for each call. Imported only where one traces.
"""

import json
import os
from collections.abc import Mapping
from contextvars import Token
from dataclasses import dataclass
from importlib.metadata import version
from urllib.parse import urlsplit

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from ossia import harmony
from ossia.agent.events import CallEnded, CallStarted, Event, RunEnded, RunResumed, RunStarted, StepEnded, StepStarted
from ossia.engine.protocol import EngineInfo, Sampling
from ossia.types import JsonValue

SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""The conventions' switch: prompts and outputs are recorded only where it says so."""

Attributes = dict[str, AttributeValue]


def _captures_content() -> bool:
    return os.environ.get(CAPTURE, "").lower() in ("true", "span_only", "span_and_event")


@dataclass(slots=True)
class _Open:
    """A span under way, current in the task until it ends, so that spans of engines and tools become its children."""

    span: Span
    token: Token[Context]

    def end(self) -> None:
        context.detach(self.token)
        self.span.end()


class TurnSpans:
    """Makes the spans of one turn from its events, fed in the order and in the task in which they happen."""

    def __init__(self, info: EngineInfo, sampling: Sampling) -> None:
        self._tracer = trace.get_tracer("ossia", version("ossia"), schema_url=SCHEMA_URL)
        self._info = info
        self._sampling = sampling
        self._content = _captures_content()
        self._run_id = self._session_id = ""
        self._recipients: tuple[str, ...] = ()
        self._agent: Span | None = None
        self._child: _Open | None = None
        self._tokens = [0, 0]
        """Of the prompts, and sampled."""

    def feed(self, event: Event) -> None:
        """Take the next event of the turn."""
        match event:
            case RunStarted():
                self._start_turn(event)
            case RunResumed():
                self._start_agent({})
            case StepStarted():
                self._start_chat(event)
            case StepEnded():
                self._end_chat(event)
            case CallStarted():
                self._start_tool(event)
            case CallEnded():
                self._end_tool(event)
            case RunEnded():
                self._end_turn(event)
            case _:
                pass

    def close(self) -> None:
        """End what is open, as failed: the turn was left without an outcome."""
        self._fail_child("left")
        if self._agent:
            _fail(self._agent, "left", "The turn was left without an outcome.")
            self._agent.end()
            self._agent = None

    # The turn

    def _start_turn(self, event: RunStarted) -> None:
        self._run_id, self._session_id = event.run_id, event.session_id
        attributes: Attributes = {"gen_ai.conversation.id": event.session_id, "ossia.run.id": event.run_id}
        if self._content:
            self._recipients = harmony.Transcript.from_json_lines(event.transcript).recipients
            attributes["gen_ai.input.messages"] = _messages("user", [_text(event.text)])
            instructions = event.config.get("instructions")
            if isinstance(instructions, str):
                attributes["gen_ai.system_instructions"] = json.dumps([_text(instructions)], ensure_ascii=False)
        self._start_agent(attributes)

    def _start_agent(self, attributes: Attributes) -> None:
        self._agent = self._tracer.start_span(
            "invoke_agent", attributes=self._common("invoke_agent") | attributes, kind=SpanKind.INTERNAL
        )

    def _end_turn(self, event: RunEnded) -> None:
        self._fail_child(event.outcome)
        if self._agent is None:
            return
        attributes: Attributes = {
            "ossia.run.id": event.run_id,
            "ossia.outcome": event.outcome,
            "ossia.forced": event.forced,
            "gen_ai.usage.input_tokens": self._tokens[0],
            "gen_ai.usage.output_tokens": self._tokens[1],
        }
        if event.limit:
            attributes["ossia.limit"] = event.limit
        if self._content and event.final is not None:
            attributes["gen_ai.output.messages"] = _messages("assistant", [_text(event.final)], "stop")
        self._agent.set_attributes(attributes)
        if event.outcome not in ("final", "cancelled"):
            _fail(self._agent, event.outcome, (event.error or "") if event.outcome == "infrastructure" else "")
        self._agent.end()
        self._agent = None

    # Completions

    def _start_chat(self, event: StepStarted) -> None:
        attributes = self._common("chat") | self._request()
        attributes |= {"ossia.step": event.step, "ossia.attempt": event.attempt}
        attributes["gen_ai.usage.input_tokens"] = event.prompt_tokens
        self._tokens[0] += event.prompt_tokens
        # The convention has CLIENT for a service, and INTERNAL where the model runs in the same process.
        kind = SpanKind.CLIENT if self._info.spec.startswith("http") else SpanKind.INTERNAL
        self._start_child(f"chat {self._info.model}", attributes, kind)

    def _end_chat(self, event: StepEnded) -> None:
        self._tokens[1] += len(event.token_ids)
        attributes: Attributes = {
            "gen_ai.response.model": self._info.model,
            "gen_ai.response.finish_reasons": (_finish_reason(event),),
            "gen_ai.usage.output_tokens": len(event.token_ids),
            "ossia.kept": event.kept,
            "ossia.repairs": event.repairs,
        }
        if event.cached_tokens is not None:
            attributes["gen_ai.usage.cache_read.input_tokens"] = event.cached_tokens
        if self._content:
            attributes["gen_ai.output.messages"] = _completion(event, self._recipients)
        self._end_child(attributes)

    def _request(self) -> Attributes:
        sampling = self._sampling
        attributes: Attributes = {
            "gen_ai.request.temperature": float(sampling.temperature),
            "gen_ai.request.top_p": float(sampling.top_p),
        }
        if sampling.top_k:
            attributes["gen_ai.request.top_k"] = float(sampling.top_k)
        if sampling.max_tokens is not None:
            attributes["gen_ai.request.max_tokens"] = sampling.max_tokens
        if sampling.seed is not None:
            attributes["gen_ai.request.seed"] = sampling.seed
        return attributes

    # Calls

    def _start_tool(self, event: CallStarted) -> None:
        attributes: Attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": event.recipient,
            "gen_ai.tool.call.id": f"{self._run_id}/{event.call}",
        }
        if self._content:
            attributes["gen_ai.tool.call.arguments"] = event.arguments
        self._start_child(f"execute_tool {event.recipient}", attributes, SpanKind.INTERNAL)

    def _end_tool(self, event: CallEnded) -> None:
        attributes: Attributes = {"gen_ai.tool.call.result": event.text} if self._content else {}
        self._end_child(attributes, error="tool_error" if event.error else None)

    # Spans

    def _common(self, operation: str) -> Attributes:
        attributes: Attributes = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": self._info.spec.partition(":")[0],
            "gen_ai.request.model": self._info.model,
        }
        if self._session_id:
            attributes["gen_ai.conversation.id"] = self._session_id
        url = urlsplit(self._info.spec)
        if url.scheme in ("http", "https") and url.hostname:
            attributes["server.address"] = url.hostname
            if url.port:
                attributes["server.port"] = url.port
        return attributes

    def _start_child(self, name: str, attributes: Attributes, kind: SpanKind) -> None:
        self._fail_child("left")
        parent = trace.set_span_in_context(self._agent) if self._agent else None
        span = self._tracer.start_span(name, context=parent, attributes=attributes, kind=kind)
        self._child = _Open(span, context.attach(trace.set_span_in_context(span)))

    def _end_child(self, attributes: Mapping[str, AttributeValue], *, error: str | None = None) -> None:
        if self._child is None:
            return
        self._child.span.set_attributes(attributes)
        if error:
            _fail(self._child.span, error)
        self._child.end()
        self._child = None

    def _fail_child(self, reason: str) -> None:
        """End the span that is open in the middle, because of `reason`."""
        self._end_child({}, error=reason)


def _fail(span: Span, kind: str, description: str = "") -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, description or None))


def _finish_reason(event: StepEnded) -> str:
    called = event.finish == "stop" and event.token_ids[-1:] == (harmony.CALL,)
    return "tool_call" if called else event.finish or "error"


def _text(content: str) -> dict[str, JsonValue]:
    return {"type": "text", "content": content}


def _messages(role: str, parts: list[dict[str, JsonValue]], finish: str | None = None) -> str:
    """One message, as the conventions' JSON schemas of input and output messages have it."""
    message: dict[str, JsonValue] = {"role": role, "parts": parts}
    if finish:
        message["finish_reason"] = finish
    return json.dumps([message], ensure_ascii=False)


def _completion(event: StepEnded, recipients: tuple[str, ...]) -> str:
    prefix = harmony.encoding().encode("<|channel|>final<|message|>", special=True) if event.forced else ()
    parts: list[dict[str, JsonValue]] = []
    for message in harmony.parse_completion(event.token_ids, recipients, prefix=prefix).messages:
        if message.recipient is not None:
            parts.append({"type": "tool_call", "name": message.recipient, "arguments": message.text})
        else:
            parts.append({"type": "reasoning" if message.channel == "analysis" else "text", "content": message.text})
    return _messages("assistant", parts, _finish_reason(event))
