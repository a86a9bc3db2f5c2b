"""Schemas as pydantic and MCP servers emit them come out as types that can be used."""

import enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from ossia import UserError
from ossia.harmony._typescript import function_type
from ossia.types import JsonValue


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Item(BaseModel):
    """An item."""

    name: str
    parts: list["Item"] = []


class Order(BaseModel):
    count: int
    note: str | None = None
    color: Color = Color.RED
    item: Item
    items: list[Item] = Field(default_factory=list, description="The items.\nAll of them.")
    prices: dict[str, float] = {}
    either: int | str = 3
    mode: Literal["fast", "slow"]
    only: Literal["one"]
    pair: tuple[int, str]
    size: Annotated[float, Field(ge=0, description="In metres.")] = 1.5
    anything: Any = None
    ids: list[int | str] | None = None


def test_a_pydantic_model() -> None:
    assert function_type("order", Order.model_json_schema()) == (
        "type order = (_: {\n"
        "count: number,\n"
        "note?: string | null, // default: null\n"
        'color?: "red" | "blue", // default: red\n'
        "// An item.\n"
        "item: {\n"
        "    name: string,\n"
        "    parts?: any /* Item */[], // default: []\n"
        "    },\n"
        "// The items.\n"
        "// All of them.\n"
        "items?: {\n"
        "    name: string,\n"
        "    parts?: any /* Item */[], // default: []\n"
        "    }[],\n"
        "prices?: { [key: string]: number }, // default: {}\n"
        "either?: number | string, // default: 3\n"
        'mode: "fast" | "slow",\n'
        'only: "one",\n'
        "pair: [number, string],\n"
        "// In metres.\n"
        "size?: number, // default: 1.5\n"
        "anything?: any, // default: null\n"
        "ids?: (number | string)[] | null, // default: null\n"
        "}) => any;"
    )


PARAMETERS: list[tuple[str, dict[str, JsonValue], str]] = [
    ("nothing", {"type": "object", "properties": {}}, "() => any"),
    ("an empty object", {"type": "object"}, "() => any"),
    ("no schema", {}, "(_: any) => any"),
    ("raw text", {"type": "string"}, "(_: string) => any"),
    ("a map", {"type": "object", "additionalProperties": {"type": "integer"}}, "(_: { [key: string]: number }) => any"),
    (
        "allOf",
        {"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"properties": {"b": {"const": 5}}}]},
        "(_: {\na?: string,\nb?: 5,\n}) => any",
    ),
    (
        "a $ref at the top, and recursion",
        {"$ref": "#/$defs/T", "$defs": {"T": {"type": "object", "properties": {"next": {"$ref": "#/$defs/T"}}}}},
        "(_: {\nnext?: any /* T */,\n}) => any",
    ),
    (
        "recursion to the root",
        {"type": "object", "properties": {"next": {"$ref": "#"}}},
        "(_: {\nnext?: {\n    next?: any /* # */,\n    },\n}) => any",
    ),
]

PROPERTIES: list[tuple[str, JsonValue, str]] = [
    ("enum without type", {"enum": ["a", 1, None]}, 'p?: "a" | 1 | null,\n'),
    ("enum of numbers", {"type": "integer", "enum": [1, 2]}, "p?: 1 | 2,\n"),
    ("array of an enum", {"type": "array", "items": {"enum": ["a", "b"]}}, 'p?: ("a" | "b")[],\n'),
    ("array of anything", {"type": "array", "items": {}}, "p?: any[],\n"),
    ("null", {"type": "null"}, "p?: null,\n"),
    ("object of unknown keys", {"type": "object"}, "p?: { [key: string]: any },\n"),
    ("object of no keys", {"type": "object", "additionalProperties": False}, "p?: {},\n"),
    ("true", True, "p?: any,\n"),
    ("anyOf with null", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "p?: number | null,\n"),
    ("object, implied", {"properties": {"q": {"type": "string"}}}, "p?: {\n    q?: string,\n    },\n"),
    (
        "keys beyond the named ones",
        {"type": "object", "properties": {"q": {"type": "string"}}, "additionalProperties": {"type": "number"}},
        "p?: {\n    q?: string,\n    [key: string]: number,\n    },\n",
    ),
    (
        "anyOf of objects",
        {"anyOf": [{"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}, {"type": "null"}]},
        "p?:\n | {\n   q: string,\n   }\n | null\n,\n",
    ),
    (
        "a $ref into another document is not followed",
        {"$ref": "https://example.org/schema.json"},
        "p?: any,\n",
    ),
    (
        "a nested object's description stands once",
        {"type": "object", "description": "D.", "properties": {"q": {}}},
        "// D.\np?: {\n    q?: any,\n    },\n",
    ),
]


@pytest.mark.parametrize(("schema", "expected"), [p[1:] for p in PARAMETERS], ids=[p[0] for p in PARAMETERS])
def test_parameters(schema: dict[str, JsonValue], expected: str) -> None:
    assert function_type("f", schema) == f"type f = {expected};"


@pytest.mark.parametrize(("schema", "expected"), [p[1:] for p in PROPERTIES], ids=[p[0] for p in PROPERTIES])
def test_properties(schema: JsonValue, expected: str) -> None:
    parameters: dict[str, JsonValue] = {"type": "object", "properties": {"p": schema}}
    assert function_type("f", parameters) == f"type f = (_: {{\n{expected}}}) => any;"


def test_keys_that_are_no_names_are_quoted() -> None:
    assert '"a b"?: any,' in function_type("f", {"type": "object", "properties": {"a b": {}}})


def test_comments_cannot_be_left() -> None:
    text = function_type("f", {"type": "object", "properties": {"p": {"description": "one\n}) => any;\r\u2028two"}}})
    assert text == "type f = (_: {\n// one\n// }) => any;\n// two\np?: any,\n}) => any;".replace("// two", "//\n// two")


def test_references_that_double_at_each_step_stay_bounded() -> None:
    definitions: dict[str, JsonValue] = {
        f"D{n}": {"type": "object", "properties": {k: {"$ref": f"#/$defs/D{n + 1}"} for k in ("a", "b")}}
        for n in range(40)
    }
    definitions["D40"] = {"type": "string"}
    assert len(function_type("f", {"$ref": "#/$defs/D0", "$defs": definitions})) < 200_000


def test_a_reference_to_nothing_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match="names nothing inside it"):
        function_type("f", {"type": "object", "properties": {"p": {"$ref": "#/$defs/Missing"}}})
