"""What a run's page shows, in the order in which it shows it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ossia.view._text import Shown

Kind = Literal["system", "developer", "user", "analysis", "commentary", "final", "call", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message of anyone."""

    kind: Kind
    label: str
    texts: Sequence[Shown]
    tokens: int | None = None
    """Under which number the page has its raw tokens; None: they are shown with the step's."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of a result: its data URI, or None and in words why there is none."""

    uri: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """A tool's answer."""

    number: int
    recipient: str
    error: bool
    text: Shown
    pictures: Sequence[Picture]
    details: Mapping[str, str]
    seconds: float
    tokens: int
    token_count: int


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that happened beside completions and answers."""

    text: str
    tokens: int | None = None


@dataclass(slots=True)
class Step:
    """A completion, and the answers to its calls."""

    number: int
    attempt: int
    prompt_tokens: int
    sampled_tokens: int
    cached_tokens: int | None
    seconds: float
    finish: str
    kept: bool
    reason: str
    forced: bool
    repairs: Mapping[str, int]
    messages: Sequence[Message]
    tokens: int
    events: list[Result | Remark | Message] = field(default_factory=list)
    """Answers of tools, what happened before they came, and what we said to the model about it."""
    unanswered: Sequence[str] = ()

    @property
    def anchor(self) -> str:
        return f"step-{self.number}" + (f"-{self.attempt}" if self.attempt else "")

    @property
    def speed(self) -> float | None:
        """Sampled token ids a second."""
        return self.sampled_tokens / self.seconds if self.seconds > 0 else None

    @property
    def outline(self) -> str:
        """What it did, in a few words."""
        if not self.kept:
            return "discarded"
        calls = [message.label for message in self.messages if message.kind == "call"]
        return ", ".join(calls) or next((m.label for m in reversed(self.messages)), "nothing")

    @property
    def failed(self) -> bool:
        return not self.kept or any(isinstance(event, Result) and event.error for event in self.events)


@dataclass(frozen=True, slots=True)
class Bar:
    """A span of time on the time line, in thousandths of the whole."""

    kind: Literal["chat", "tool"]
    start: float
    width: float
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of what is known of a run."""

    name: str
    value: str


@dataclass(slots=True)
class Totals:
    """What the run cost."""

    steps: int = 0
    prompt_tokens: int = 0
    cached_tokens: int | None = None
    sampled_tokens: int = 0
    discarded_tokens: int = 0
    discarded: int = 0
    calls: int = 0
    engine_seconds: float = 0.0
    tool_seconds: float = 0.0
    repairs: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Story:
    """A whole run."""

    run_id: str
    outcome: str
    """The outcome; `unfinished` where the journal ends before it."""
    reason: str
    """Why there is no answer, in words."""
    final: Shown | None
    facts: list[Fact]
    opening: list[Message]
    """System, developer, and the user's message."""
    earlier: list[Message]
    """Messages of the session before this run."""
    blocks: list[Step | Remark]
    bars: list[Bar]
    totals: Totals
    inputs: Mapping[str, str]
    """Files that were put into the sandbox, and their SHA-256."""
    outputs: Mapping[str, int]
    """Files of the result, and their sizes in bytes."""
    config: Shown
    task: Shown | None

    @property
    def steps(self) -> list[Step]:
        return [block for block in self.blocks if isinstance(block, Step)]
