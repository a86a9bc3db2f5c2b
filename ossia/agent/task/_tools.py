"""Tools by the names that a task file gives them."""

import difflib
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import JsonValue, TypeAdapter, ValidationError

from ossia.agent.task._secrets import filled_in, hidden, is_secret
from ossia.errors import UserError
from ossia.tools import MCP, Browser, Python, Tool, ToolSource

Given: TypeAlias = Tool | ToolSource | Callable[..., object]
Item: TypeAlias = str | Mapping[str, Mapping[str, JsonValue] | None]
"""A tool as a file has it: its name, or a mapping of its name to its options."""

NAMED: dict[str, type[Tool] | type[ToolSource]] = {"browser": Browser, "python": Python, "mcp": MCP}
"""The tools that a file may name without saying where they are."""


def load_tools(items: Sequence[Item], directory: Path) -> list[Given]:
    """The tools of a task file. Raises `UserError` on an unknown tool, unknown options, or a function not found."""
    tools: list[Given] = []
    for item in items:
        pairs = [(item, None)] if isinstance(item, str) else list(item.items())
        tools += [_load(name, options or {}, directory) for name, options in pairs]
    return tools


def recorded_tools(items: Sequence[Item]) -> list[JsonValue]:
    """The tools of a task file as a journal may hold them: without the secrets that they were given in clear."""
    return [item if isinstance(item, str) else {name: _recorded(name, item[name]) for name in item} for item in items]


def _recorded(name: str, options: Mapping[str, JsonValue] | None) -> JsonValue:
    if options is None or name not in NAMED:
        return None if options is None else dict(options)
    return {key: hidden(value) if is_secret(NAMED[name], key) else value for key, value in options.items()}


def _load(name: str, options: Mapping[str, JsonValue], directory: Path) -> Given:
    if ":" in name:
        return _imported(name, directory)
    if name not in NAMED:
        near = difflib.get_close_matches(name, NAMED, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"the tools are {', '.join(NAMED)}, or module:name."
        raise UserError(f"There is no tool {name!r}; {hint}")
    kind = NAMED[name]
    known = getattr(kind, "__dataclass_fields__", {})
    for key in options:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"its options are {', '.join(known)}."
            raise UserError(f"The tool {name!r} has no option {key!r}; {hint}")
    given = {
        key: filled_in(value, f"The tool {name!r}, option {key!r},") if is_secret(kind, key) else value
        for key, value in options.items()
    }
    try:
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        detail = error.errors()[0]
        raise UserError(f"The tool {name!r}, option {detail['loc'][0]!r}: {detail['msg']}.") from None


def _imported(name: str, directory: Path) -> Given:
    found: Given = load_object(name, directory)
    return found


def load_object(name: str, directory: Path) -> Any:
    """What `module:name` stands for; modules beside the task file are found. Raises `UserError` where there is none."""
    module, _, attribute = name.partition(":")
    sys.path.insert(0, str(directory))
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UserError(f"{name!r} can't be imported: {error}.") from error
    finally:
        sys.path.remove(str(directory))
