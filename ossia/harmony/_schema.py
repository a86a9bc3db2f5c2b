"""JSON Schemas as pydantic and MCP servers emit them, brought to the few shapes that the TypeScript writer knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ossia.errors import UserError
from ossia.types import JsonSchema, JsonValue

Schema: TypeAlias = Mapping[str, JsonValue]

ANY: Schema = {}
_MAX_EXPANSIONS = 400
"""References that one schema may expand to: a chain of definitions that each name the next twice doubles at every
step, and a prompt has no use for the result."""


def as_schema(value: JsonValue) -> Schema:
    """A subschema; `true`, `false` and anything that is no schema become one that says nothing."""
    return value if isinstance(value, Mapping) else ANY


def as_list(value: JsonValue) -> Sequence[JsonValue]:
    """A JSON array, or an empty one."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def is_object(schema: Schema) -> bool:
    """Whether a schema describes objects, said or implied."""
    return schema.get("type") == "object" or ("type" not in schema and "properties" in schema)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A subschema with its references followed and its `allOf` merged."""

    schema: Schema
    refs: tuple[str, ...]
    """The references that led here: one that comes twice is a recursion."""
    recursive: str | None = None
    """The name of the definition that this one repeats, where expanding it would not end."""


class Resolver:
    """Follows `$ref` inside one root schema and merges `allOf`. Raises `UserError` where a reference names nothing."""

    def __init__(self, root: JsonSchema) -> None:
        self._root = root
        self._expanded = 0

    def resolve(self, value: JsonValue, refs: tuple[str, ...] = ()) -> Resolved:
        """The subschema that `value` stands for, below the references `refs`."""
        schema = as_schema(value)
        ref = schema.get("$ref")
        if isinstance(ref, str):
            beside = {k: v for k, v in schema.items() if k != "$ref"}
            self._expanded += 1
            if ref in refs or self._expanded > _MAX_EXPANSIONS:
                return Resolved(beside, refs, recursive=ref.rpartition("/")[2] or "the whole")
            target = self.resolve(self._lookup(ref), (*refs, ref))
            # A definition's title is its name among definitions, and says nothing of the property that it is used for.
            untitled = {k: v for k, v in target.schema.items() if k != "title"}
            return Resolved(merge(untitled, beside), target.refs, target.recursive)
        parts = as_list(schema.get("allOf"))
        if not parts:
            return Resolved(schema, refs)
        merged: Schema = {}
        for part in parts:
            found = self.resolve(part, refs)
            merged = merge(merged, found.schema)
            refs = found.refs
        return Resolved(merge(merged, {k: v for k, v in schema.items() if k != "allOf"}), refs)

    def _lookup(self, ref: str) -> JsonValue:
        if not ref.startswith("#"):
            return ANY  # another document: what it says is unknown here, and fetching it is not a renderer's business
        found: JsonValue = self._root
        for step in ref[1:].split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and key in found:
                found = found[key]
            elif isinstance(found, Sequence) and not isinstance(found, str) and key.isdigit() and int(key) < len(found):
                found = found[int(key)]
            else:
                raise UserError(f"the schema's reference {ref!r} names nothing inside it; define it or drop it")
        return found


def merge(first: Schema, over: Schema) -> Schema:
    """Two schemas that both hold: properties and required names of both, else what `over` says."""
    merged = {**first, **over}
    if "properties" in first and "properties" in over:
        merged["properties"] = {**as_schema(first["properties"]), **as_schema(over["properties"])}
    if "required" in first and "required" in over:
        merged["required"] = list(dict.fromkeys((*as_list(first["required"]), *as_list(over["required"]))))
    return merged
