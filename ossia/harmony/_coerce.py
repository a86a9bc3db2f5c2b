"""Values of the wrong JSON type that can only have been meant one way: `"5"` for an integer, a lone item for a list."""

import math
from collections.abc import Mapping

from ossia.harmony._schema import Schema, as_list, as_schema
from ossia.types import JsonSchema, JsonValue


def coerce(value: Mapping[str, JsonValue], schema: JsonSchema) -> dict[str, JsonValue]:
    """The arguments with each property brought to the type that its schema names, where that is plain; others are left
    as they are. `null` for a property that may be left out, and may not be null, is left out."""
    properties = as_schema(schema.get("properties"))
    required = as_list(schema.get("required"))
    coerced = {}
    for key, item in value.items():
        types = _types(as_schema(properties.get(key)))
        if item is None and types and "null" not in types and key not in required:
            continue
        coerced[key] = _to_type(item, types, as_schema(properties.get(key)))
    return coerced


def _types(schema: Schema) -> list[str]:
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return [kinds]
    if as_list(kinds):
        return [k for k in as_list(kinds) if isinstance(k, str)]
    alternatives = as_list(schema.get("anyOf")) or as_list(schema.get("oneOf"))
    return [t for a in alternatives for t in _types(as_schema(a))]


def _to_type(value: JsonValue, types: list[str], schema: Schema) -> JsonValue:
    if isinstance(value, str) and "string" not in types:
        return _from_text(value, types, schema)
    if isinstance(value, float) and value.is_integer() and "integer" in types and "number" not in types:
        return int(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and types == ["string"]:
        return str(value)
    return value


def _from_text(text: str, types: list[str], schema: Schema) -> JsonValue:
    word = text.strip().lower()
    if "boolean" in types and word in ("true", "false"):
        return word == "true"
    if "null" in types and word in ("null", "none"):
        return None
    for kind, convert in (("integer", int), ("number", float)):
        if kind in types and len(word) < 400:
            try:
                number = convert(word)
            except ValueError:
                continue
            return number if math.isfinite(number) else text
    item = _types(as_schema(schema.get("items")))
    return [text] if "array" in types and (item == ["string"] or not item) else text
