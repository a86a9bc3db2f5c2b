"""The arguments of calls: parsed leniently, validated, and where they can't be saved, answered with what is wrong."""

import ast
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import jsonschema
import jsonschema.exceptions
import jsonschema.protocols
import referencing
import referencing.exceptions

from ossia.harmony._coerce import coerce
from ossia.harmony._lenient_json import Fix, NotJson, parse_json, strip_fence
from ossia.types import JsonSchema, JsonValue

_CODE_KEYS = ("code", "input", "script", "source", "python")
_LONGEST_SCHEMA = 4000
"""Characters of a schema that an error text shows."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one call, or what to tell the model about them."""

    value: Mapping[str, JsonValue] | None
    """None where they can't be used."""
    fixes: tuple[Fix, ...] = ()
    error: str | None = None
    """For the model: what was wrong, and the schema."""


class ArgumentParser:
    """Parses the arguments of one function, any number of times.

    `name`: the recipient, for error texts. `aliases`: other names of properties that are accepted. `bare`: the property
    that text which is no JSON is taken for (`query` of a search, say).
    """

    def __init__(
        self,
        name: str,
        parameters: JsonSchema | None,
        *,
        aliases: Mapping[str, str] | None = None,
        bare: str | None = None,
    ) -> None:
        self._name = name
        self._schema: JsonSchema = {"type": "object"} if parameters is None else parameters
        self._aliases = aliases or {}
        self._bare = bare
        self._validator = _validator(self._schema)

    def parse(self, text: str) -> Arguments:
        """The arguments in the text of a call. Never raises on what a model wrote."""
        try:
            parsed = parse_json(text) if text.strip() else parse_json("{}")
            value, fixes = parsed.value, parsed.fixes
        except NotJson as error:
            if self._bare is None:
                return self._refuse(f"are not valid JSON: {error}")
            value, fixes = {self._bare: text}, ("bare_value",)
        if self._bare is not None and isinstance(value, str):
            value, fixes = {self._bare: value}, (*fixes, "bare_value")
        if not isinstance(value, dict):
            return self._refuse(f"must be a JSON object, not {_kind(value)}")
        return self._validated(cast("dict[str, JsonValue]", value), fixes)

    def _validated(self, value: dict[str, JsonValue], fixes: tuple[Fix, ...]) -> Arguments:
        renamed = {self._name_of(key, value): item for key, item in value.items()}
        if renamed != value:
            fixes = (*fixes, "alias")
        problem = self._problem(renamed)
        if problem is None:
            return Arguments(renamed, fixes)
        coerced = coerce(renamed, self._schema)
        if coerced != renamed and self._problem(coerced) is None:
            return Arguments(coerced, (*fixes, "coerced"))
        return self._refuse(f"do not fit its schema: {problem}")

    def _name_of(self, key: str, value: Mapping[str, JsonValue]) -> str:
        meant = self._aliases.get(key, key)
        return key if meant in value else meant

    def _problem(self, value: Mapping[str, JsonValue]) -> str | None:
        try:
            error = jsonschema.exceptions.best_match(self._validator.iter_errors(value))
        except (referencing.exceptions.Unresolvable, RecursionError):
            return None  # a schema that points elsewhere, or never ends, is not the model's fault
        if error is None:
            return None
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
        message = error.message if len(error.message) <= 300 else error.message[:300] + "..."
        return f"{where.removeprefix('.')}: {message}" if where else message

    def _refuse(self, problem: str) -> Arguments:
        schema = json.dumps(self._schema, ensure_ascii=False)
        if len(schema) > _LONGEST_SCHEMA:
            schema = schema[:_LONGEST_SCHEMA] + "... (shortened)"
        return Arguments(
            None,
            error=f"The arguments of {self._name} {problem}.\n"
            f"Nothing was run. Call it again with arguments that fit this JSON Schema:\n{schema}",
        )


def parse_arguments(text: str, parameters: JsonSchema | None, name: str = "the function") -> Arguments:
    """The arguments in the text of a call, against the JSON Schema `parameters`. See `ArgumentParser`."""
    return ArgumentParser(name, parameters).parse(text)


def parse_code(text: str) -> tuple[str, tuple[Fix, ...]]:
    """The code in the text of a call to a tool that takes raw code, and what was put right: `{"code": ...}` unpacked, a
    fence taken off, a JSON string of code read. Code that is none of these stays as it is."""
    if (inside := strip_fence(text)) is not None:
        return inside, ("fence",)
    if not text.lstrip().startswith(("{", '"')):
        return text, ()
    try:
        parsed = parse_json(text)
    except NotJson:
        return text, ()
    value = parsed.value
    if isinstance(value, dict) and len(value) == 1:
        key, code = next(iter(value.items()))
        if key in _CODE_KEYS and isinstance(code, str) and not _is_python(text, parsed.fixes):
            return code, tuple(dict.fromkeys((*parsed.fixes, "code_object")))
    if isinstance(value, str) and not parsed.fixes and "\n" in value:
        return value, ("nested_json",)
    return text, ()


def _is_python(text: str, fixes: tuple[Fix, ...]) -> bool:
    """Whether text that had to be put right to be JSON is Python as it stands, beyond a literal."""
    if not fixes:
        return False
    try:
        ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return _parses(text)
    return False


def _parses(text: str) -> bool:
    with warnings.catch_warnings(action="ignore"):
        try:
            ast.parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return False
    return True


def _validator(schema: JsonSchema) -> jsonschema.protocols.Validator:
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    # An empty registry: without one, a reference to another document would be fetched from the network.
    return kind(schema, registry=referencing.Registry())


def _kind(value: JsonValue) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    return "a string" if isinstance(value, str) else "an array"
