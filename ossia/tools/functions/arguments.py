"""The arguments that a model wrote, and what it is told where they are wrong."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from pydantic import ValidationError

from ossia.tools.protocol import ToolResult
from ossia.tools.python import shorten
from ossia.types import JsonSchema, JsonValue

_MAX_PROBLEMS = 10
_MAX_SCHEMA_CHARS = 4_000


def read_object(text: str, parse: Callable[[str], JsonValue]) -> dict[str, JsonValue]:
    """The arguments object; no text at all is an empty one. Raises `ValueError` that says what is wrong."""
    if not text.strip():
        return {}
    try:
        value = parse(text)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"this is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"a JSON object is needed, this is {_kind(value)}")
    return cast("dict[str, JsonValue]", value)


def problems(error: ValidationError) -> list[str]:
    """What pydantic found wrong, a line for each: `items[0].price: Input should be a valid number, not "x"`."""
    return [f"{_place(e['loc'])}: {e['msg']}{_given(e['type'], e['input'])}" for e in error.errors(include_url=False)]


def invalid(recipient: str, found: Sequence[str], schema: JsonSchema | None) -> ToolResult:
    """The answer to a call with wrong arguments: what is wrong with them, and what they should be like."""
    lines = [f"The arguments of {recipient} are wrong:", *(f"- {line}" for line in found[:_MAX_PROBLEMS])]
    if len(found) > _MAX_PROBLEMS:
        lines.append(f"- and {len(found) - _MAX_PROBLEMS} more")
    lines.append(expected(schema))
    return ToolResult("\n".join(lines), error=True, details={"status": "invalid_arguments"})


def expected(schema: JsonSchema | None) -> str:
    """What arguments should be like, in a line for the model."""
    if schema is None:
        return "It takes no arguments: give {}."
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return f"Give a JSON object that matches this schema: {shorten(text, _MAX_SCHEMA_CHARS)}"


def _place(location: Iterable[int | str]) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return place.removeprefix(".") or "the object"


def _given(kind: str, value: object) -> str:
    """The value that was wrong, where naming it says more than its place does."""
    if kind in ("missing", "extra_forbidden") or isinstance(value, dict | list):
        return ""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return f", not {text if len(text) <= 80 else text[:80] + '...'}"


def _kind(value: JsonValue) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case _:
            return "an array"
