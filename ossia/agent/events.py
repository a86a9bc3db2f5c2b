"""What happens in a turn, as typed events: streamed to the caller and written to the journal."""

import time
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, JsonValue, TypeAdapter

from ossia.agent.result import Outcome
from ossia.types import Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    time: float = field(default_factory=time.time)
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(_Event):
    """A turn begins."""

    type: Literal["run_started"] = "run_started"
    run_id: str
    session_id: str
    turn: int
    engine: str
    model: str
    note: str | None
    text: str
    """The user's message."""
    files: dict[str, str]
    """What was put into the sandbox: name and SHA-256 of each file."""
    config: dict[str, JsonValue]
    """The agent: what has to be the same when the run is resumed."""
    task: dict[str, JsonValue] | None
    """The task that the agent was made from, where it was made from one."""
    transcript: tuple[str, ...]
    """`Transcript.to_json_lines()`, the new user message included."""
    previous: str | None
    """The run before this one in the same session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(_Event):
    """A completion is asked for; `attempt` counts from 0 and grows where it is sampled again."""

    type: Literal["step_started"] = "step_started"
    step: int
    attempt: int
    prompt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta(_Event):
    """New text of the message that the model is writing. Streamed only: the journal has the whole completion."""

    type: Literal["text_delta"] = "text_delta"
    channel: str | None
    recipient: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded(_Event):
    """A completion, as sampled."""

    type: Literal["step_ended"] = "step_ended"
    step: int
    attempt: int
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...] | None
    finish: str | None
    """`stop`, `length`, or why it was cut off: `analysis_tokens`, `repetition`."""
    forced: bool
    """The header of a final message was put before it."""
    kept: bool
    """False: nothing could be made of it, so it was discarded (`reason` says why) and is sampled again."""
    reason: str | None
    repairs: tuple[str, ...]
    cached_tokens: int | None
    seconds: float
    held: bool = False
    """It was held to a grammar: its token ids were not drawn from all of the model's distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOpened(_Event):
    """The session's sandbox stands."""

    type: Literal["sandbox_opened"] = "sandbox_opened"
    provider: str
    description: str
    image: str | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted(_Event):
    """A tool is about to act. In the journal before it does."""

    type: Literal["call_started"] = "call_started"
    step: int
    call: int
    recipient: str
    channel: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(_Event):
    """A tool has acted; `text` is what the model is shown."""

    type: Literal["call_ended"] = "call_ended"
    step: int
    call: int
    recipient: str
    text: str
    output: str
    """SHA-256 of what the tool itself said: `text` may hold a word of ours beside it."""
    error: bool
    images: tuple[str, ...]
    """SHA-256 of each image."""
    details: dict[str, Scalar]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(_Event):
    """A turn's outcome."""

    type: Literal["run_ended"] = "run_ended"
    run_id: str
    outcome: Outcome
    limit: str | None
    error: str | None
    final: str | None
    forced: bool
    files: dict[str, int]
    """Name and size of each file of the result."""
    sampled_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRefused(_Event):
    """The final answer had not the form that was asked for: the model is asked again."""

    type: Literal["answer_refused"] = "answer_refused"
    step: int
    text: str
    """The user message that asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRewritten(_Event):
    """Room was made in the context: the transcript goes on in a new segment."""

    type: Literal["context_rewritten"] = "context_rewritten"
    step: int
    reason: str
    transcript: tuple[str, ...]
    """`Transcript.to_json_lines()` as it stands now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(_Event):
    """A run that was cut off goes on, in a sandbox in which its recorded calls have run again."""

    type: Literal["run_resumed"] = "run_resumed"
    calls: int
    """How many calls ran again."""
    differing: tuple[int, ...]
    """Those whose answers were not the recorded ones: state was lost."""


Event: TypeAlias = (
    RunStarted
    | RunResumed
    | StepStarted
    | TextDelta
    | StepEnded
    | AnswerRefused
    | ContextRewritten
    | SandboxOpened
    | CallStarted
    | CallEnded
    | RunEnded
)

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Discriminator("type")])


def to_json(event: Event) -> str:
    """The event as one line of JSON."""
    return _ADAPTER.dump_json(event).decode()


def from_json(line: str | bytes) -> Event:
    """The event of one line. Raises `pydantic.ValidationError` on a line that is none."""
    return _ADAPTER.validate_json(line)
