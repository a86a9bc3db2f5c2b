"""JSON Schema written as the TypeScript-like types in which gpt-oss is told of its functions.

Laid out as openai_harmony lays it out, token for token, wherever that says what the schema says.
"""

import json
import re

from ossia.harmony._schema import Resolved, Resolver, Schema, as_list, as_schema, is_object
from ossia.types import JsonSchema, JsonValue

_PLAIN_KEY = re.compile(r"[\w$@.-]+")
_SIMPLE = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"}


def function_type(name: str, parameters: JsonSchema | None) -> str:
    """One line of a namespace: `type name = (_: {...}) => any;`, without `_` where there is nothing to give.

    Raises `UserError` where a `$ref` names nothing.
    """
    if parameters is None:
        return f"type {name} = () => any;"
    writer = _Writer(parameters)
    root = writer.resolver.resolve(parameters)
    if is_object(root.schema) and not as_schema(root.schema.get("properties")) and not _has_rest(root.schema):
        return f"type {name} = () => any;"
    comment = "".join(f"// {line}\n" for line in _lines(root.schema.get("description")))
    return f"type {name} = (_: {comment if is_object(root.schema) else ''}{writer.type(root, '')}) => any;"


def _literal(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _lines(text: JsonValue) -> list[str]:
    return text.splitlines() if isinstance(text, str) else []


def _has_rest(schema: Schema) -> bool:
    """Whether an object takes keys beyond its named properties, in so many words."""
    rest = schema.get("additionalProperties")
    return rest is True or (isinstance(rest, dict) and bool(rest))


def _default(schema: Schema) -> str | None:
    if "default" not in schema:
        return None
    value = schema["default"]
    enumerated = bool(as_list(schema.get("enum")))
    return f"default: {value if isinstance(value, str) and enumerated else _literal(value)}"


def _is_own_title(key: str, title: str) -> bool:
    """Whether a title is the one that pydantic makes of each field's name."""
    return title == key.replace("_", " ").title()


class _Writer:
    def __init__(self, root: JsonSchema) -> None:
        self.resolver = Resolver(root)

    def type(self, resolved: Resolved, indent: str) -> str:
        """The type of a schema; further lines of it begin with `indent`."""
        schema = resolved.schema
        if resolved.recursive is not None:
            return f"any /* {resolved.recursive} */"
        text = self._bare_type(resolved, indent)
        if schema.get("nullable") is True and "null" not in text:
            text += " | null"
        return text

    def _bare_type(self, resolved: Resolved, indent: str) -> str:
        schema = resolved.schema
        if "const" in schema:
            return _literal(schema["const"])
        if values := as_list(schema.get("enum")):
            return " | ".join(dict.fromkeys(map(_literal, values)))
        if variants := self.variants(resolved):
            return self._union(variants, indent, block="oneOf" in schema)
        kind = schema.get("type")
        if isinstance(kind, str):
            return self._of_kind(kind, resolved, indent)
        if kinds := as_list(kind):
            types = (self._of_kind(str(k), resolved, indent) for k in kinds)
            return " | ".join(dict.fromkeys(types))
        if is_object(schema):
            return self._object(resolved, indent)
        return self._array(resolved, indent) if "items" in schema or "prefixItems" in schema else "any"

    def _of_kind(self, kind: str, resolved: Resolved, indent: str) -> str:
        if kind == "object":
            return self._object(resolved, indent)
        if kind == "array":
            return self._array(resolved, indent)
        return _SIMPLE.get(kind, "any")

    def variants(self, resolved: Resolved) -> list[Resolved]:
        """The alternatives of `oneOf` or `anyOf`, each with what stands beside them."""
        schema = resolved.schema
        alternatives = as_list(schema.get("oneOf")) or as_list(schema.get("anyOf"))
        return [self.resolver.resolve(a, resolved.refs) for a in alternatives]

    def _union(self, variants: list[Resolved], indent: str, block: bool) -> str:
        types = [self.type(v, indent + "   ") for v in variants]
        if not block and not any("\n" in t for t in types):
            return " | ".join(dict.fromkeys(types))
        return "".join(f"\n{indent} | {t}" for t in types)

    def _array(self, resolved: Resolved, indent: str) -> str:
        schema = resolved.schema
        if fixed := as_list(schema.get("prefixItems")):
            return f"[{', '.join(self.type(self.resolver.resolve(f, resolved.refs), indent) for f in fixed)}]"
        if "items" not in schema:
            return "Array<any>"
        item = self.type(self.resolver.resolve(schema["items"], resolved.refs), indent)
        compound = re.sub(r"\{.*\}|\".*?\"", "", item, flags=re.DOTALL)
        return f"({item})[]" if "|" in compound else f"{item}[]"

    def _object(self, resolved: Resolved, indent: str) -> str:
        schema = resolved.schema
        properties = as_schema(schema.get("properties"))
        rest = schema.get("additionalProperties")
        if not properties:
            if rest is False:
                return "{}"
            value = self.type(self.resolver.resolve(rest, resolved.refs), indent)
            return f"{{ [key: string]: {value} }}"
        required = as_list(schema.get("required"))
        lines = [
            self._property(key, self.resolver.resolve(value, resolved.refs), key in required, indent)
            for key, value in properties.items()
        ]
        if _has_rest(schema):
            value = self.type(self.resolver.resolve(rest, resolved.refs), indent + "    ")
            lines.append(f"{indent}[key: string]: {value},\n")
        return "{\n" + "".join(lines) + indent + "}"

    def _property(self, key: str, resolved: Resolved, required: bool, indent: str) -> str:
        schema = resolved.schema
        name = (key if _PLAIN_KEY.fullmatch(key) else _literal(key)) + ("" if required else "?")
        comments = _comments(key, schema, indent)
        if variants := self.variants(resolved):
            types = [self.type(v, indent + "   ") for v in variants]
            if "oneOf" in schema or any("\n" in t for t in types):
                return comments + self._alternatives(name, schema, variants, types, indent)
        default = _default(schema)
        return (
            f"{comments}{indent}{name}: {self.type(resolved, indent + '    ')},{f' // {default}' if default else ''}\n"
        )

    def _alternatives(self, name: str, schema: Schema, variants: list[Resolved], types: list[str], indent: str) -> str:
        """A property of several types, one a line, each with its own comment behind it."""
        default = _default(schema)
        lines = [f"{indent}// {default}\n"] if default else []
        lines.append(f"{indent}{name}:\n")
        described = bool(_lines(schema.get("description")))
        for i, (variant, text) in enumerate(zip(variants, types, strict=True)):
            own = " ".join(_lines(variant.schema.get("description")))
            repeated = own == schema.get("description") or (i == 0 and described)
            notes = ([own] if own and not repeated else []) + ([d] if (d := _default(variant.schema)) else [])
            lines.append(f"{indent} | {text}{' // ' + ' '.join(notes) if notes else ''}\n")
        return "".join(lines) + f"{indent},\n"


def _comments(key: str, schema: Schema, indent: str) -> str:
    lines = []
    title = schema.get("title")
    if isinstance(title, str) and not _is_own_title(key, title):
        lines += [*_lines(title), ""]
    lines += _lines(schema.get("description"))
    examples = [e for e in as_list(schema.get("examples")) if isinstance(e, str)]
    if examples:
        lines += ["Examples:", *(f'- "{e}"' for e in examples)]
    return "".join(f"{indent}//{' ' if line else ''}{line}\n" for line in lines)
