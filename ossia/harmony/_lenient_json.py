"""JSON as models write it: fenced, with trailing commas, Python's literals, a string of JSON, cut off."""

import json
import re
from dataclasses import dataclass
from typing import Literal, cast

import json_repair
import pydantic_core

from ossia.types import JsonValue

Fix = Literal[
    "fence",
    "syntax",
    "closed",
    "extra_text",
    "nested_json",
    "bare_value",
    "code_object",
    "alias",
    "coerced",
]
"""What had to be put right in arguments; docs/harmony.md has an example of each."""

_LONGEST_REPAIR = 2048
_MOST_OPENED = 100
"""Characters, and brackets, of broken JSON that json_repair is given: its time grows with the square of either."""

_FENCE = re.compile(r"\s*```[\w+-]*[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)
_TOKEN = re.compile(
    r"""(?P<double>"(?:[^"\\]|\\.)*+"?)|(?P<single>'(?:[^'\\]|\\.)*+'?)|(?P<word>[A-Za-z_]\w*+)"""
    r"""|(?P<comma>,\s*+(?=[}\]]))|(?P<other>.)""",
    re.DOTALL,
)
_WORDS = {"True": "true", "False": "false", "None": "null", "true": "true", "false": "false", "null": "null"}


class NotJson(ValueError):
    """Text of which no JSON value can be made; the message says what is wrong and where."""


@dataclass(frozen=True, slots=True)
class ParsedJson:
    """A JSON value, and what was put right to get it."""

    value: JsonValue
    fixes: tuple[Fix, ...] = ()


def strip_fence(text: str) -> str | None:
    """What stands between the fences of a Markdown code block that is all of the text; None where it isn't one."""
    fenced = _FENCE.fullmatch(text)
    return fenced[1] if fenced else None


def parse_json(text: str) -> ParsedJson:
    """The JSON value that `text` holds, put right where it can be. Raises `NotJson`."""
    try:
        parsed = ParsedJson(_strict(text))
    except NotJson as error:
        inside = strip_fence(text)
        parsed = _repaired(text, error) if inside is None else _fenced(inside)
    return _unwrap(parsed)


def _unwrap(parsed: ParsedJson) -> ParsedJson:
    """The object inside a string of JSON."""
    if not isinstance(parsed.value, str) or not parsed.value.lstrip().startswith("{"):
        return parsed
    try:
        inner = parse_json(parsed.value)
    except NotJson:
        return parsed
    if not isinstance(inner.value, dict):
        return parsed
    return ParsedJson(inner.value, tuple(dict.fromkeys((*parsed.fixes, "nested_json", *inner.fixes))))


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


def _fenced(inside: str) -> ParsedJson:
    try:
        return ParsedJson(_strict(inside), ("fence",))
    except NotJson as error:
        repaired = _repaired(inside, error)
        return ParsedJson(repaired.value, ("fence", *repaired.fixes))


def _repaired(text: str, error: NotJson) -> ParsedJson:
    """What was meant by broken JSON, by means that take a time in proportion to it, and json_repair last."""
    if not text.lstrip().startswith(("{", "[", '"')):
        raise error
    if (first := _first_object(text)) is not None:
        return ParsedJson(first, ("extra_text",))
    spelled = _spell_as_json(text)
    for partial in (False, "trailing-strings"):
        try:
            value = cast(JsonValue, pydantic_core.from_json(spelled, allow_partial=cast(Literal[False], partial)))
        except ValueError:
            continue
        fixes: tuple[Fix, ...] = ("closed",) if partial else ("syntax",)
        return ParsedJson(value, fixes)
    if len(text) > _LONGEST_REPAIR or text.count("{") + text.count("[") > _MOST_OPENED:
        raise error
    try:
        value = cast(JsonValue, json_repair.loads(text, skip_json_loads=True))
    except (ValueError, RecursionError):
        raise error from None
    if value == "" or value is None:
        raise error
    return ParsedJson(value, ("syntax",))


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


def _spell_as_json(text: str) -> str:
    """Python's literals and quotes, trailing commas, bare keys and line breaks in strings, as JSON has them."""
    return "".join(_spell(token) for token in _TOKEN.finditer(text))


def _spell(token: re.Match[str]) -> str:
    written = token[0]
    match token.lastgroup:
        case "double":
            return _escape_controls(written)
        case "single":
            closed = len(written) > 1 and written.endswith("'") and not written.endswith("\\'")
            inside = written[1:-1] if closed else written[1:]
            inside = re.sub(r'\\.|"', lambda m: {"\\'": "'", '"': '\\"'}.get(m[0], m[0]), inside, flags=re.DOTALL)
            return _escape_controls(f'"{inside}"' if closed else f'"{inside}')
        case "word":
            return _WORDS.get(written, f'"{written}"')
        case "comma":
            return ""
    return written


def _escape_controls(text: str) -> str:
    return re.sub(r"[\x00-\x1f]", lambda m: json.dumps(m[0])[1:-1], text)
