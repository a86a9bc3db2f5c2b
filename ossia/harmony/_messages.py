"""Messages that are rendered into prompts."""

from dataclasses import dataclass
from typing import Literal

from ossia.types import Channel

Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation, as text."""

    role: Role
    text: str
    channel: Channel | None = None
    """Assistant and tool messages have one; None: final, or commentary where there is a recipient or a tool speaks."""
    recipient: str | None = None
    """Whom an assistant message calls, such as `functions.f`."""
    content_type: str | None = None
    """`code`, `json` or `<|constrain|>json` behind the recipient of a call; None: what the recipient calls for."""
    name: str | None = None
    """The author of a tool message, such as `functions.f`."""
