"""What the model wrote as arguments, made into the arguments of a call. Nothing raises but `UsageError`."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields

from ossia.types import JsonValue

MAX_TOPN = 50

_ALIASES = {
    "search": {"q": "query", "queries": "query", "search_query": "query", "top_n": "topn", "num_results": "topn"},
    "open": {"url": "id", "link": "id", "link_id": "id", "line": "loc", "line_start": "loc", "lines": "num_lines"},
    "find": {"text": "pattern", "query": "pattern", "string": "pattern"},
}
"""Names that the model writes for an argument, from tools of the same kind that it was trained with."""

_LINK = re.compile(r"【?(\d+)(?:†.*)?\Z", re.DOTALL)
_LINE = re.compile(r"[Ll]?(-?\d+)(?:\.0*)?\Z")
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0", "")


class UsageError(Exception):
    """A call that cannot be answered as written; its text is for the model."""


@dataclass(frozen=True, slots=True)
class Search:
    """`browser.search`."""

    query: str
    topn: int = 10
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """`browser.open`. -1: not given."""

    id: int | str = -1
    cursor: int = -1
    loc: int = -1
    num_lines: int = -1
    view_source: bool = False
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Find:
    """`browser.find`."""

    pattern: str
    cursor: int = -1


_CALLS: dict[str, type[Search | Open | Find]] = {"search": Search, "open": Open, "find": Find}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A call, and what of the written arguments was not used."""

    call: Search | Open | Find
    ignored: tuple[str, ...] = field(default=())


def parse(function: str, arguments: str, read: Callable[[str], JsonValue] = json.loads) -> Parsed:
    """The call that `arguments` (JSON text, for `read`) make to `function`.

    Numbers in strings, nulls and unknown names are put up with; what is missing or makes no sense raises `UsageError`
    with a text that says what to write instead.
    """
    if function not in _ALIASES:
        raise UsageError(json.dumps({"error": f"Unknown function: {function}"}))
    given = _renamed(function, _object(arguments, read))
    ignored = _ignored(function, given)
    match function:
        case "search":
            topn = min(max(_integer(given, "topn", 10), 1), MAX_TOPN)
            return Parsed(Search(_text(function, given, "query"), topn, _optional(given, "source")), ignored)
        case "find":
            return Parsed(Find(_text(function, given, "pattern"), _integer(given, "cursor", -1)), ignored)
        case _:
            return Parsed(_open(given), ignored)


def _object(arguments: str, read: Callable[[str], JsonValue]) -> dict[str, JsonValue]:
    if not arguments.strip():
        return {}
    try:
        value = read(arguments)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, Mapping):
        raise UsageError(json.dumps({"error": "Invalid function arguments"}))
    return dict(value)


def _renamed(function: str, given: dict[str, JsonValue]) -> dict[str, JsonValue]:
    aliases = _ALIASES[function]
    renamed = {aliases[name]: value for name, value in given.items() if name in aliases}
    return renamed | {name: value for name, value in given.items() if name not in aliases}


def _ignored(function: str, given: Iterable[str]) -> tuple[str, ...]:
    known = {name.name for name in fields(_CALLS[function])}
    return tuple(sorted(name for name in given if name not in known))


def _open(given: dict[str, JsonValue]) -> Open:
    return Open(
        id=_link(given.get("id")),
        cursor=_integer(given, "cursor", -1),
        loc=_integer(given, "loc", -1),
        num_lines=_integer(given, "num_lines", -1),
        view_source=_boolean(given, "view_source"),
        source=_optional(given, "source"),
    )


def _link(value: JsonValue) -> int | str:
    """A link id, or a URL. Digits in a string are an id: no URL consists of digits."""
    if value is None or value == "":
        return -1
    if isinstance(value, str):
        text = value.strip()
        if match := _LINK.match(text):
            return int(match.group(1)[:9])
        return -1 if text == "-1" else text
    return _integer({"id": value}, "id", -1)


def _integer(given: dict[str, JsonValue], name: str, default: int) -> int:
    value = given.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, str) and (match := _LINE.match(value.strip())):
        return int(match.group(1)[:9])
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e9:
        return int(value)
    raise UsageError(f"`{name}` should be an integer, not `{_shown(value)}`")


def _boolean(given: dict[str, JsonValue], name: str) -> bool:
    value = given.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    word = str(value).strip().lower()
    if word not in _TRUE + _FALSE:
        raise UsageError(f"`{name}` should be a boolean, not `{_shown(value)}`")
    return word in _TRUE


def _text(function: str, given: dict[str, JsonValue], name: str) -> str:
    value = given.get(name)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = " ".join(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        example = json.dumps({name: "..."})
        raise UsageError(f"`{name}` is missing. Call `browser.{function}` with `{example}`.")
    if not isinstance(value, str):
        raise UsageError(f"`{name}` should be a string, not `{_shown(value)}`")
    if not value.strip():
        raise UsageError(f"`{name}` is empty.")
    return value


def _optional(given: dict[str, JsonValue], name: str) -> str | None:
    value = given.get(name)
    return value if isinstance(value, str) and value else None


def _shown(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)[:80]
