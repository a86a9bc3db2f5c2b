"""Conversations in OpenAI's chat format, brought to harmony messages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ossia.errors import UserError
from ossia.harmony._messages import Message
from ossia.types import Channel, JsonValue

ChatMessage = Mapping[str, JsonValue]

_REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")


@dataclass(frozen=True, slots=True)
class History:
    """What a chat says before the next turn."""

    instructions: str | None
    """The text of the system and developer messages that it began with."""
    messages: list[Message]


def import_chat(chat: Sequence[ChatMessage], recipients: Iterable[str] = ()) -> History:
    """Messages of the Chat Completions API (`role`, `content`, `tool_calls`, ...) as harmony messages.

    Reasoning (`reasoning_content`, `reasoning` or `thinking`) becomes analysis. Text beside tool calls becomes a
    preamble on commentary. Each call is followed by its result, as gpt-oss makes calls one at a time. A function's name
    becomes `functions.NAME` unless it is one of `recipients`. Raises `UserError` on what harmony has no words for
    (images), and on calls without results.
    """
    known = frozenset(recipients)
    instructions: list[str] = []
    rest = list(chat)
    while rest and rest[0].get("role") in ("system", "developer"):
        instructions.append(_text(rest.pop(0)))
    messages: list[Message] = []
    results = _results(rest)
    for entry in rest:
        messages += _convert(entry, known, results)
    if results:
        raise UserError(f"tool messages answer calls that nobody made: {', '.join(map(repr, results))}")
    return History("\n\n".join(instructions) or None, messages)


def _results(chat: Sequence[ChatMessage]) -> dict[str, str]:
    """The text of each tool message by the call that it answers."""
    results: dict[str, str] = {}
    for entry in chat:
        if entry.get("role") == "tool":
            call = entry.get("tool_call_id")
            if not isinstance(call, str) or call in results:
                raise UserError(f"tool message {call!r}: give each the `tool_call_id` of the one call that it answers")
            results[call] = _text(entry)
    return results


def _convert(entry: ChatMessage, known: frozenset[str], results: dict[str, str]) -> Iterator[Message]:
    role = entry.get("role")
    if role == "user":
        yield Message("user", _text(entry))
    elif role in ("system", "developer"):
        yield Message("developer", f"# Instructions\n\n{_text(entry)}")
    elif role == "assistant":
        yield from _assistant(entry, known, results)
    elif role != "tool":
        raise UserError(f"a chat message has the role {role!r}; use system, developer, user, assistant or tool")


def _assistant(entry: ChatMessage, known: frozenset[str], results: dict[str, str]) -> Iterator[Message]:
    for key in _REASONING_KEYS:
        if isinstance(reasoning := entry.get(key), str) and reasoning:
            yield Message("assistant", reasoning, "analysis")
            break
    calls = entry.get("tool_calls") or ()
    if not isinstance(calls, Sequence) or isinstance(calls, str):
        raise UserError("`tool_calls` of a chat message must be a list")
    if text := _text(entry):
        yield Message("assistant", text, "commentary" if calls else "final")
    for call in calls:
        yield from _call(call, known, results)


def _call(call: JsonValue, known: frozenset[str], results: dict[str, str]) -> Iterator[Message]:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(call, Mapping) or not isinstance(function, Mapping):
        raise UserError("a tool call of a chat message must have an `id` and a `function` with `name` and `arguments`")
    identity, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
    if not isinstance(identity, str) or identity not in results:
        raise UserError(f"the tool call {identity!r} has no result; add the tool message that answers it")
    if not isinstance(name, str) or not isinstance(arguments, str):
        raise UserError(f"the tool call {identity!r} must have a `name`, and `arguments` as a string")
    recipient = name if name in known else f"functions.{name}"
    channel: Channel = "commentary" if recipient.startswith("functions.") else "analysis"
    yield Message("assistant", arguments, channel, recipient)
    yield Message("tool", results.pop(identity), channel, name=recipient)


def _text(entry: ChatMessage) -> str:
    content = entry.get("content")
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        raise UserError(f"the content of a chat message must be text or a list of parts, not {type(content).__name__}")
    return "".join(_part(part) for part in content)


def _part(part: JsonValue) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type") if isinstance(part, Mapping) else None
    text = part.get("text") if isinstance(part, Mapping) else None
    if isinstance(part, Mapping) and kind in ("text", "input_text", "output_text") and isinstance(text, str):
        return text
    raise UserError(f"a chat message has a part of type {kind!r}; gpt-oss reads text only")
