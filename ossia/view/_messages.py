"""Messages as a page shows them."""

from collections.abc import Sequence

from ossia import harmony
from ossia.types import Channel
from ossia.view._arguments import show_arguments
from ossia.view._model import Kind, Message
from ossia.view._text import CLOSED, PROSE, Shown, show, visible


def rendered_message(entry: harmony.Entry, text: str, tokens: int) -> Message:
    """A message that a transcript holds; `tokens`: under which number the page has its raw tokens."""
    kind = _kind(entry.role, entry.channel, entry.recipient)
    return Message(kind, _label(kind, entry.recipient or entry.name), _texts(kind, entry.recipient, text), tokens)


def parsed_message(message: harmony.ParsedMessage) -> Message:
    """A message of a completion."""
    kind = _kind("assistant", message.channel, message.recipient)
    notes = []
    if not message.complete:
        notes.append("cut off")
    if not message.declared:
        notes.append("not a tool that was declared")
    if message.recipient is not None and message.channel is not None:
        notes.append(f"on {message.channel}")
    texts = _texts(kind, message.recipient, message.text)
    return Message(kind, _label(kind, message.recipient), texts, note=", ".join(notes))


def _texts(kind: Kind, recipient: str | None, text: str) -> Sequence[Shown]:
    if kind == "call":
        return show_arguments(recipient or "", text)
    return [show(text, CLOSED if kind in ("system", "developer") else PROSE)]


def _kind(role: harmony.Role, channel: Channel | None, recipient: str | None) -> Kind:
    if role != "assistant":
        return role
    if recipient is not None:
        return "call"
    return channel or "final"


def _label(kind: Kind, name: str | None) -> str:
    return visible(name or kind) if kind in ("call", "tool") else kind
