"""What a turn gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ossia.harmony import Message
from ossia.tools.browser.citations import CitedText

Outcome = Literal["final", "limit", "loop", "malformed", "invalid_output", "cancelled", "infrastructure"]
"""What ended a turn.

final: the model answered; limit: a bound of `Limits` was met; loop: it went round in circles; malformed: nothing could
be made of its completions; invalid_output: its answer has not the form that was asked for; cancelled: the caller
stopped it; infrastructure: a part of ours failed, so that the turn says nothing of the model.
"""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call and its answer."""

    recipient: str
    arguments: str
    """As the model wrote them."""
    text: str
    """What the model was shown."""
    error: bool
    seconds: float


@dataclass(slots=True)
class Usage:
    """What a turn cost."""

    steps: int = 0
    prompt_tokens: int = 0
    """Prompt token ids over all completions."""
    cached_tokens: int = 0
    """Of those, served from the engine's prefix cache, where it says so."""
    sampled_tokens: int = 0
    discarded_tokens: int = 0
    """Sampled token ids of completions that were sampled again."""
    resamples: int = 0
    rewrites: int = 0
    """How often the context was nearly full, so that room was made in it."""
    seconds: float = 0.0
    engine_seconds: float = 0.0
    tool_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RunResult:
    """One turn, from the user's message to its outcome."""

    run_id: str
    outcome: Outcome
    final: str | None = None
    """The final answer, where there is one."""
    cited: CitedText | None = None
    """The answer with its citations (`cited.citations`: address, title, lines) and those that lead nowhere
    (`cited.unresolved`); None without a browser."""
    output: object = None
    """The validated object, where `Agent(output=...)` asked for one; never a part of it."""
    limit: str | None = None
    """Which limit ended the turn: a field of `Limits`, or `context`."""
    error: str | None = None
    """One sentence on what failed, with outcome `infrastructure` or `malformed`."""
    forced: bool = False
    """The final answer was forced after a limit (`Limits.force_final`)."""
    messages: Sequence[Message] = ()
    """The turn's messages in order: the user's, the model's, the tools'."""
    tool_calls: Sequence[ToolCall] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What the turn left in `/mnt/data` (new or changed), and the images that it displayed, by relative path."""
    usage: Usage = field(default_factory=Usage)
    repairs: Mapping[str, int] = field(default_factory=dict)
    """How often each named repair was needed to read the model's completions."""
    sandbox: str | None = None
    """The sandbox that was used, in words; None: none was opened."""
    notes: Sequence[str] = ()
    """What the caller should know of this result, such as a file that was too large to bring back."""
