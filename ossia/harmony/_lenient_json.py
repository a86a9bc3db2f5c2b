"""JSON as models write it: fenced, with trailing commas, Python's literals, a string of JSON, cut off."""

import json
import re
from dataclasses import dataclass
from typing import Literal, cast

import json_repair

from ossia.types import JsonValue

Fix = Literal[
    "fence",
    "syntax",
    "extra_text",
    "nested_json",
    "bare_value",
    "code_object",
    "alias",
    "coerced",
]
"""What had to be put right in arguments; docs/harmony.md has an example of each."""

_LONGEST_REPAIR = 1 << 16
"""Characters of broken JSON that are tried: the repair's time grows faster than its input."""

_FENCE = re.compile(r"\s*```[\w+-]*[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)


class NotJson(ValueError):
    """Text of which no JSON value can be made; the message says what is wrong and where."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON value, and what was put right to get it."""

    value: JsonValue
    fixes: tuple[Fix, ...] = ()


def strip_fence(text: str) -> str | None:
    """What stands between the fences of a Markdown code block that is all of the text; None where it isn't one."""
    fenced = _FENCE.fullmatch(text)
    return fenced[1] if fenced else None


def parse_json(text: str) -> Parsed:
    """The JSON value that `text` holds, put right where it can be. Raises `NotJson`."""
    try:
        parsed = Parsed(_strict(text))
    except NotJson as error:
        parsed = _repaired(text, error)
    return _unwrap(parsed)


def _unwrap(parsed: Parsed) -> Parsed:
    """The object inside a string of JSON."""
    if not isinstance(parsed.value, str) or not parsed.value.lstrip().startswith("{"):
        return parsed
    try:
        inner = parse_json(parsed.value)
    except NotJson:
        return parsed
    if not isinstance(inner.value, dict):
        return parsed
    return Parsed(inner.value, tuple(dict.fromkeys((*parsed.fixes, "nested_json", *inner.fixes))))


def _strict(text: str) -> JsonValue:
    try:
        return cast(JsonValue, json.loads(text, parse_constant=_refuse_constant))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        raise NotJson(f"{error.msg} at {where}") from None
    except ValueError as error:
        raise NotJson(str(error)) from None
    except RecursionError:
        raise NotJson("it is nested too deeply") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _repaired(text: str, error: NotJson) -> Parsed:
    if (inside := strip_fence(text)) is not None:
        try:
            return Parsed(_strict(inside), ("fence",))
        except NotJson:
            repaired = _repaired(inside, error)
            return Parsed(repaired.value, ("fence", *repaired.fixes))
    if (first := _first_object(text)) is not None:
        return Parsed(first, ("extra_text",))
    if not text.lstrip().startswith(("{", "[", '"')) or len(text) > _LONGEST_REPAIR:
        raise error
    try:
        value = cast(JsonValue, json_repair.loads(text, skip_json_loads=True))
    except (ValueError, RecursionError):
        raise error from None
    if value == "" or value is None:
        raise error
    return Parsed(value, ("syntax",))


def _first_object(text: str) -> JsonValue:
    """The object that the text begins with, where something else follows it."""
    start = len(text) - len(text.lstrip())
    if not text.startswith("{", start):
        return None
    try:
        value, _ = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return cast(JsonValue, value)
