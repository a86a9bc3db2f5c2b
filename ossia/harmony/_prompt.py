"""The system and developer messages, as text."""

import functools
import json
import re
from collections.abc import Iterable

import jsonschema
import jsonschema.exceptions
import jsonschema.validators

from ossia.errors import UserError
from ossia.harmony._config import PromptConfig, ResponseFormat
from ossia.harmony._typescript import function_type
from ossia.types import JsonSchema, ToolNamespace

FUNCTIONS_GO_TO = "Calls to these tools must go to the commentary channel: 'functions'."
RESERVED = frozenset({"system", "developer", "user", "assistant", "tool", "all", "analysis", "commentary", "final"})
"""Names that mean something else in a header, so that no tool may bear them."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def system_text(config: PromptConfig) -> str:
    """The system message: identity and dates, effort, trained tools, channels."""
    top = [config.identity]
    if config.knowledge_cutoff is not None:
        top.append(f"Knowledge cutoff: {config.knowledge_cutoff}")
    if config.date is not None:
        top.append(f"Current date: {config.date}")
    sections = ["\n".join(top), f"Reasoning: {config.effort}"]
    if tools := [t for t in config.tools if _place(t, config) == "system"]:
        sections.append(_tools_section(tools))
    functions = any(t.name == "functions" and _place(t, config) == "developer" for t in config.tools)
    channels = f"# Valid channels: {', '.join(config.channels)}. Channel must be included for every message."
    sections.append(f"{channels}\n{FUNCTIONS_GO_TO}" if functions else channels)
    return "\n\n".join(sections)


def developer_text(config: PromptConfig) -> str | None:
    """The developer message: instructions, functions, response formats; None where there is none of them."""
    sections = []
    if config.instructions is not None:
        sections += ["# Instructions", config.instructions]
    if tools := [t for t in config.tools if _place(t, config) == "developer"]:
        sections.append(_tools_section(tools))
    if config.response_formats:
        sections.append("# Response Formats")
        sections += [_format_section(name, fmt) for name, fmt in config.response_formats.items()]
    return "\n\n".join(sections) if sections else None


def _place(tool: ToolNamespace, config: PromptConfig) -> str:
    return tool.placement if config.options.tools == "declared" else config.options.tools


def _tools_section(tools: Iterable[ToolNamespace]) -> str:
    return "\n\n".join(["# Tools", *(_namespace(t) for t in sorted(tools, key=lambda t: t.name))])


def _namespace(tool: ToolNamespace) -> str:
    lines = [f"## {tool.name}\n"]
    if not tool.functions:
        return "\n".join(lines + tool.description.splitlines())
    lines += [f"// {line}" for line in tool.description.splitlines()]
    lines.append(f"namespace {tool.name} {{\n")
    for function in tool.functions:
        lines += [f"// {line}" for line in function.description.splitlines()]
        lines.append(function_type(function.name, function.parameters) + "\n")
    lines.append(f"}} // namespace {tool.name}")
    return "\n".join(lines)


def _format_section(name: str, fmt: ResponseFormat) -> str:
    comment = "".join(f"// {line}\n" for line in fmt.description.splitlines())
    return f"## {name}\n\n{comment}{json.dumps(fmt.schema, ensure_ascii=False, separators=(',', ':'))}"


def check_tools(tools: Iterable[ToolNamespace]) -> None:
    """Raise `UserError` where a name is malformed, reserved or used twice."""
    seen: set[str] = set()
    for tool in tools:
        _check_name(tool.name, "tool", seen)
        functions: set[str] = set()
        for function in tool.functions:
            _check_name(function.name, f"function of {tool.name!r}", functions, reserved=False)
            if function.parameters is not None:
                check_schema(function.parameters, f"the parameters of {tool.name}.{function.name}")


def check_schema(schema: JsonSchema, what: str) -> None:
    """Raise `UserError` where `schema` is no JSON Schema; `what` names it."""
    try:
        problem = _schema_problem(json.dumps(schema))
    except (TypeError, ValueError) as error:
        problem = str(error)
    if problem is not None:
        raise UserError(f"{what}: this is no JSON Schema: {problem}")


@functools.lru_cache(maxsize=1024)
def _schema_problem(text: str) -> str | None:
    schema = json.loads(text)
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.exceptions.SchemaError as error:
        return error.message[:300]
    return None


def _check_name(name: str, what: str, seen: set[str], reserved: bool = True) -> None:
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r} can't be the name of a {what}: use letters, digits, `_` and `-`, no digit first")
    if reserved and name in RESERVED:
        raise UserError(f"a {what} can't be called {name!r}: harmony means something else by that name; rename it")
    if name in seen:
        raise UserError(f"two {what}s are called {name!r}; rename one")
    seen.add(name)
