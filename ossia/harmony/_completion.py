"""What a completion was found to say: messages, repairs, and what was left out."""

from dataclasses import dataclass, field
from typing import Literal

from ossia.types import Channel

Stop = Literal["return", "call", "endoftext"]

RepairKind = Literal[
    "missing_start",
    "repeated_start",
    "missing_role",
    "missing_channel",
    "missing_channel_token",
    "repeated_channel",
    "garbled_channel",
    "unknown_channel",
    "missing_message",
    "repeated_message",
    "missing_end",
    "recipient_without_to",
    "recipient_as_channel",
    "recipient_garbled",
    "recipient_misplaced",
    "recipient_repeated",
    "recipient_bare",
    "recipient_prefixed",
    "recipient_not_a_tool",
    "extra_header_text",
    "plain_text",
    "stray_token",
    "endoftext",
]
"""What can be wrong with a completion and still be understood; docs/harmony.md has an example of each."""

DiscardReason = Literal["foreign_role", "after_stop", "between_messages", "empty_header"]
"""Why tokens are in no message: a role that is not the model's (and all after it), tokens after the stop token, blanks
or control tokens between two messages, a header that nothing followed."""


@dataclass(frozen=True, slots=True)
class Repair:
    """Something that the model got wrong and that was put right."""

    kind: RepairKind
    position: int
    """Index of the token, in the completion, where the message (or the mistake in it) begins."""
    detail: str = ""
    """The text that was wrong."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """Tokens `[start, stop)` of the completion that are in no message."""

    start: int
    stop: int
    reason: DiscardReason


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """One message of a completion. Tokens `[start, body)` are its header, `[body, stop)` its content and its end."""

    channel: Channel | None
    recipient: str | None
    """Whom it calls: the declared recipient where one was found, else what the model wrote."""
    content_type: str | None
    """As the model wrote it: `code`, `json`, `<|constrain|>json`, ..."""
    text: str
    complete: bool = True
    """False: the completion was cut off inside it."""
    declared: bool = True
    """False: a call to something that was not declared."""
    start: int = 0
    body: int = 0
    stop: int = 0
    role: Literal["assistant"] = "assistant"


@dataclass(frozen=True, slots=True)
class Completion:
    """A parsed completion. Every token is in exactly one message or one `discarded`."""

    messages: list[ParsedMessage] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    discarded: list[Discarded] = field(default_factory=list)
    truncated: bool = False
    """It ended without a stop token: inside a header, a message, or between two."""
    stop: Stop | None = None
    """Which token ended it."""
    tokens: int = 0
    """Number of token ids that were parsed."""
    kept: int = 0
    """How many leading token ids belong in the transcript: not what a foreign role said, not what came after the stop
    token, not a header that nothing followed."""

    @property
    def calls(self) -> list[ParsedMessage]:
        """The messages that call something, in order."""
        return [m for m in self.messages if m.recipient is not None]

    @property
    def final(self) -> str | None:
        """The answer: text of the last message on the final channel that calls nothing and isn't empty."""
        finals = (
            m.text for m in reversed(self.messages) if m.channel == "final" and m.recipient is None and m.text.strip()
        )
        return next(finals, None)

    @property
    def analysis(self) -> str:
        """The reasoning: text of all messages on the analysis channel that call nothing."""
        return "\n".join(m.text for m in self.messages if m.channel == "analysis" and m.recipient is None)


@dataclass(slots=True)
class MessageStart:
    """A message's header is complete."""

    channel: Channel | None
    recipient: str | None
    content_type: str | None = None
    declared: bool = True


@dataclass(slots=True)
class TextDelta:
    """More text of the message that started last."""

    text: str


@dataclass(slots=True)
class MessageEnd:
    """The message that started last is over."""

    message: ParsedMessage


@dataclass(slots=True)
class RepairMade:
    """Something was put right; comes before the start of the message that it concerns, where it can."""

    repair: Repair


Event = MessageStart | TextDelta | MessageEnd | RepairMade
