"""Conversations as items of OpenAI's Responses API, brought to harmony messages."""

from collections.abc import Iterable, Mapping, Sequence

from ossia.errors import UserError
from ossia.harmony._history import ChatMessage, History, import_chat
from ossia.types import JsonValue


def import_responses(items: Sequence[ChatMessage], recipients: Iterable[str] = ()) -> History:
    """Items of the Responses API (`message`, `reasoning`, `function_call`, `function_call_output`) as harmony messages.

    Reasoning becomes analysis where its text is given (`content`; a summary or encrypted reasoning is left out). See
    `import_chat` for the rest. Raises `UserError` on other items, and on calls without results.
    """
    chat: list[dict[str, JsonValue]] = []
    for item in items:
        _add(chat, item)
    return import_chat(chat, recipients)


def _add(chat: list[dict[str, JsonValue]], item: ChatMessage) -> None:
    kind = item.get("type", "message")
    if kind == "message":
        chat.append({"role": item.get("role"), "content": item.get("content")})
    elif kind == "reasoning":
        if text := _reasoning(item):
            chat.append({"role": "assistant", "reasoning": text})
    elif kind == "function_call":
        function: dict[str, JsonValue] = {"name": item.get("name"), "arguments": item.get("arguments")}
        chat.append({"role": "assistant", "tool_calls": [{"id": item.get("call_id"), "function": function}]})
    elif kind == "function_call_output":
        chat.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")})
    else:
        raise UserError(f"an item of the type {kind!r} has no form in harmony; leave it out")


def _reasoning(item: ChatMessage) -> str:
    content = item.get("content") or ()
    if not isinstance(content, Sequence) or isinstance(content, str):
        raise UserError("the `content` of a reasoning item must be a list of parts")
    texts = (part.get("text") for part in content if isinstance(part, Mapping))
    return "".join(text for text in texts if isinstance(text, str))
