"""Arguments with the mistakes that models make."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossia import harmony
from ossia.types import JsonValue

SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "line": {"type": "integer"},
        "ratio": {"type": "number"},
        "all": {"type": "boolean"},
        "words": {"type": "array", "items": {"type": "string"}},
        "kind": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["path"],
}

SAVED: list[tuple[str, str, dict[str, JsonValue], list[str]]] = [
    ("well-formed", '{"path": "a", "line": 3}', {"path": "a", "line": 3}, []),
    ("fence", '```json\n{"path": "a"}\n```', {"path": "a"}, ["fence"]),
    ("fence around broken JSON", '```\n{"path": "a",}\n```', {"path": "a"}, ["fence", "syntax"]),
    ("trailing comma", '{"path": "a",}', {"path": "a"}, ["syntax"]),
    ("single quotes", "{'path': 'a'}", {"path": "a"}, ["syntax"]),
    (
        "Python literals",
        "{'path': 'a', 'all': True, 'kind': None}",
        {"path": "a", "all": True, "kind": None},
        ["syntax"],
    ),
    ("keys without quotes", '{path: "a"}', {"path": "a"}, ["syntax"]),
    ("a line break in a string", '{"path": "a\nb"}', {"path": "a\nb"}, ["syntax"]),
    ("cut off in a string", '{"path": "a', {"path": "a"}, ["closed"]),
    ("missing closing brackets", '{"path": "a", "words": ["b"', {"path": "a", "words": ["b"]}, ["closed"]),
    ("cut off in a key", '{"path": "a", "wor', {"path": "a"}, ["closed"]),
    ("text behind it", '{"path": "a"}\nThanks!', {"path": "a"}, ["extra_text"]),
    ("two objects: the first", '{"path": "a"}{"path": "b"}', {"path": "a"}, ["extra_text"]),
    ("a string of JSON", '"{\\"path\\": \\"a\\"}"', {"path": "a"}, ["nested_json"]),
    (
        "a number as text",
        '{"path": "a", "line": "3", "ratio": "0.5"}',
        {"path": "a", "line": 3, "ratio": 0.5},
        ["coerced"],
    ),
    ("a whole number as a fraction", '{"path": "a", "line": 3.0}', {"path": "a", "line": 3.0}, []),
    ("a boolean as text", '{"path": "a", "all": "True"}', {"path": "a", "all": True}, ["coerced"]),
    ("one item for a list", '{"path": "a", "words": "b"}', {"path": "a", "words": ["b"]}, ["coerced"]),
    ("a number for text", '{"path": 5}', {"path": "5"}, ["coerced"]),
    ("null for what may be left out", '{"path": "a", "line": null}', {"path": "a"}, ["coerced"]),
]


@pytest.mark.parametrize(("text", "value", "fixes"), [s[1:] for s in SAVED], ids=[s[0] for s in SAVED])
def test_saved(text: str, value: dict[str, JsonValue], fixes: list[str]) -> None:
    arguments = harmony.parse_arguments(text, SCHEMA, "repo_browser.open_file")
    assert arguments.error is None
    assert arguments.value == value
    assert list(arguments.fixes) == fixes


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("open a", "are not valid JSON: Expecting value at column 1"),
        ('{"line": 3}', "do not fit its schema: 'path' is a required property"),
        ('{"path": "a", "line": "three"}', "do not fit its schema: line: 'three' is not of type 'integer'"),
        ('{"path": "a", "words": [1]}', "do not fit its schema: words[0]: 1 is not of type 'string'"),
        ('["a"]', "must be a JSON object, not an array"),
        ('"a"', "must be a JSON object, not a string"),
        ("5", "must be a JSON object, not a number"),
        ("NaN", "NaN is not JSON"),
        ('{"path": "a", "ratio": "nan"}', "ratio: 'nan' is not of type 'number'"),
        ("", "'path' is a required property"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_saved_is_told_to_the_model(text: str, problem: str) -> None:
    arguments = harmony.parse_arguments(text, SCHEMA, "repo_browser.open_file")
    assert arguments.value is None
    assert arguments.error is not None
    assert arguments.error.startswith("The arguments of repo_browser.open_file ")
    assert problem in arguments.error
    assert '"required": ["path"]' in arguments.error


def test_no_arguments_for_a_function_that_takes_none() -> None:
    assert harmony.parse_arguments("", None).value == {}
    assert harmony.parse_arguments("{}", None).value == {}


def test_aliases_and_bare_text() -> None:
    parser = harmony.ArgumentParser("f", SCHEMA, aliases={"file": "path"}, bare="path")
    assert parser.parse('{"file": "a"}') == harmony.Arguments({"path": "a"}, ("alias",))
    assert parser.parse('{"file": "b", "path": "a"}').value == {"file": "b", "path": "a"}
    assert parser.parse("src/a.py") == harmony.Arguments({"path": "src/a.py"}, ("bare_value",))
    assert parser.parse('"src/a.py"') == harmony.Arguments({"path": "src/a.py"}, ("bare_value",))


def test_a_schema_that_points_elsewhere_is_not_fetched() -> None:
    schema: dict[str, JsonValue] = {"type": "object", "properties": {"p": {"$ref": "http://127.0.0.1:9/schema.json"}}}
    assert harmony.parse_arguments('{"p": 1}', schema).value == {"p": 1}


def test_long_schemas_are_shortened() -> None:
    schema: dict[str, JsonValue] = {"type": "object", "required": ["x"], "description": "long " * 2000}
    error = harmony.parse_arguments("{}", schema).error
    assert error is not None
    assert len(error) < 5000
    assert error.endswith("(shortened)")


def test_broken_json_of_any_size_ends_soon() -> None:
    started = time.perf_counter()
    units = ('x"', '{"a":', "{'", '"1', "'`:", "}`\\", " }]", "\n{]x", "'", '"', "\\", ",", ", ", "[", "a ")
    for unit in units:
        for beginning in ('{"path": "', "[", "{"):
            for size in (2_000, 40_000):
                harmony.parse_arguments(beginning + unit * (size // len(unit)), SCHEMA)
    assert time.perf_counter() - started < 60


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=80), st.text("{}[]\"':,0truefalsn \\\n`", max_size=60)))
def test_never_raises(text: str) -> None:
    arguments = harmony.parse_arguments(text, SCHEMA)
    assert (arguments.value is None) == (arguments.error is not None)
    harmony.parse_code(text)


CODE = [
    ("raw", "print(1)", "print(1)", []),
    ("fence", "```python\nprint(1)\n```", "print(1)", ["fence"]),
    ("object", '{"code": "print(1)\\nx"}', "print(1)\nx", ["code_object"]),
    ("object, single quotes", "{'code': 'print(1)'}", "print(1)", ["syntax", "code_object"]),
    ("object, cut off", '{"code": "print(1)', "print(1)", ["closed", "code_object"]),
    ("string", '"print(1)\\nx"', "print(1)\nx", ["nested_json"]),
    ("a dict that is code", '{"code": "x"}.keys()', '{"code": "x"}.keys()', []),
    ("a dict of other keys", '{"a": "b"}', '{"a": "b"}', []),
    ("a set", "{1, 2}", "{1, 2}", []),
    ("a string that is code", '"abc"', '"abc"', []),
    ("code that reads like a broken object", "{'code': f'\\d{1}'}", "{'code': f'\\d{1}'}", []),
    ("a fence inside", "x = '''```\n```'''", "x = '''```\n```'''", []),
]


@pytest.mark.parametrize(("text", "code", "fixes"), [c[1:] for c in CODE], ids=[c[0] for c in CODE])
def test_code(text: str, code: str, fixes: list[str]) -> None:
    assert harmony.parse_code(text) == (code, tuple(fixes))
