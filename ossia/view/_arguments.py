"""The arguments of a call as people read them: code as code, many-line strings of a JSON object as lines."""

import json

from ossia.tools.python import source
from ossia.types import JsonValue
from ossia.view._text import PROSE, Language, Shown, show


def show_arguments(recipient: str, arguments: str) -> list[Shown]:
    """What the model wrote as the arguments of a call to `recipient`."""
    if recipient == "python":
        return [show(source(arguments), PROSE, "python")]
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return [show(arguments, PROSE, _language(recipient, arguments))]
    blocks: list[tuple[str, str]] = []
    short = _without_blocks(value, "", blocks)
    shown = [show(json.dumps(short, ensure_ascii=False, indent=2), PROSE, "json")]
    return shown + [show(text, PROSE, _language(recipient, text), label) for label, text in blocks]


def _without_blocks(value: JsonValue, at: str, blocks: list[tuple[str, str]], depth: int = 3) -> JsonValue:
    """`value` without its many-line strings, which go to `blocks` by where they stood."""
    if isinstance(value, str):
        if "\n" not in value.strip("\n"):
            return value
        blocks.append((at or "text", value))
        return f"(below: {at})"
    if depth and isinstance(value, dict):
        return {key: _without_blocks(item, f"{at}.{key}".lstrip("."), blocks, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list):
        return [_without_blocks(item, f"{at}[{n}]", blocks, depth - 1) for n, item in enumerate(value)]
    return value


def _language(recipient: str, text: str) -> Language:
    if text.lstrip().startswith("*** Begin Patch"):
        return "diff"
    return "bash" if recipient.startswith("container.") else "text"
