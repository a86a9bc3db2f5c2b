"""Calls of functions: arguments and results."""

import asyncio
import json
import math
import threading
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel, Field

from ossia.harmony._lenient_json import parse_json
from ossia.tools.functions import FunctionTools, tool
from ossia.tools.protocol import Image, ToolContext, ToolResult
from ossia.types import JsonValue
from tests.tools.calling import CONTEXT, call, no_sandbox


class Unit(Enum):
    CELSIUS = "c"
    KELVIN = "k"


class Address(BaseModel):
    street: str
    number: int = 1


@dataclass
class Point:
    x: float
    y: float = 0.0


@tool
async def everything(
    name: str,
    home: Address | None = None,
    path: tuple[Point, ...] = (),
    unit: Unit = Unit.CELSIUS,
    tags: frozenset[str] = frozenset(),
    day: date = date(2026, 1, 2),
    number: int | str = 0,
) -> str:
    """Say what it was given."""
    return repr((name, home, path, unit, sorted(tags), day, number))


async def test_arguments_arrive_as_their_types() -> None:
    arguments: JsonValue = {
        "name": "Ω",
        "home": {"street": "s"},
        "path": [{"x": 1}],
        "unit": "k",
        "tags": ["b", "a", "b"],
        "day": "2025-12-31",
        "number": "7",
    }
    given = ("Ω", Address(street="s"), (Point(1.0),), Unit.KELVIN, ["a", "b"], date(2025, 12, 31), "7")
    assert (await call(everything, arguments)).text == repr(given)
    defaults: tuple[object, ...] = ("n", None, (), Unit.CELSIUS, [], date(2026, 1, 2), 0)
    assert (await call(everything, {"name": "n"})).text == repr(defaults)


async def test_numbers_in_strings_are_taken_as_pydantic_takes_them() -> None:
    @tool
    def double(x: float) -> float:
        return 2 * x

    assert (await call(double, {"x": "2.5"})).text == "5.0"


async def test_null_for_what_may_be_left_out_leaves_it_out() -> None:
    defaults: tuple[object, ...] = ("n", None, (), Unit.CELSIUS, [], date(2026, 1, 2), 0)
    nulls: JsonValue = {"name": "n", "home": None, "path": None, "unit": None, "day": None, "number": None}
    assert (await call(everything, nulls)).text == repr(defaults)
    result = await call(everything, {"name": None, "day": None})
    assert result.error
    assert "- name: Input should be a valid string, not null" in result.text


async def test_wrong_arguments_are_told_with_the_schema() -> None:
    result = await call(everything, {"home": {"number": "many"}, "nmae": "x", "unit": "f"})
    lines = result.text.splitlines()
    assert result.error
    assert result.details == {"status": "invalid_arguments"}
    assert lines[0] == "The arguments of functions.everything are wrong:"
    assert "- name: Field required" in lines
    assert "- home.street: Field required" in lines
    assert "- unit: Input should be 'c' or 'k', not \"f\"" in lines
    assert "- nmae: Extra inputs are not permitted" in lines
    schema = lines[-1].removeprefix("Give a JSON object that matches this schema: ")
    assert json.loads(schema) == everything.parameters.schema


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"name": ', "this is no JSON: Expecting value"),
        ("name=3", "this is no JSON"),
        ("[1]", "a JSON object is needed, this is an array"),
        ('"x"', "this is a string"),
        ("null", "this is null"),
        ("true", "this is a boolean"),
        ("1.5", "this is a number"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5_000, "this is no JSON"),
        ('{"name": "\\ud800"}', "the object: "),
        ("", "- name: Field required"),
    ],
)
async def test_no_text_of_a_model_raises(text: str, words: str) -> None:
    result = await call(everything, text)
    assert result.error
    assert words in result.text


@settings(deadline=None, max_examples=60)
@given(st.text() | st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_no_arguments_at_all_raise(value: JsonValue) -> None:
    text = value if isinstance(value, str) else json.dumps({"name": value, "home": value, "path": value})
    result = asyncio.run(call(everything, text))
    assert result.text


@settings(deadline=None, max_examples=60)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.dictionaries(st.text(), c)))
def test_any_json_value_comes_back_as_it_was(value: JsonValue) -> None:
    @tool
    def echo(x: object) -> object:
        return {"x": x}

    assert json.loads(asyncio.run(call(echo, {"x": value})).text) == {"x": value}


async def test_the_session_says_how_arguments_are_read() -> None:
    context = ToolContext("s", no_sandbox, parse=lambda text: parse_json(text).value)
    for text in ("{'name': 'n', 'home': None,}", '```json\n{"name": "n"}\n```', '{"name": "n"'):
        assert (await call(everything, text, context)).text.startswith("('n', None")
    assert "this is no JSON: " in (await call(everything, "name = n", context)).text


async def test_a_function_without_parameters_takes_nothing() -> None:
    @tool
    def ping() -> str:
        return "pong"

    assert (await call(ping, "")).text == "pong"
    assert (await call(ping, {})).text == "pong"
    result = await call(ping, {"x": 1})
    assert result.error
    assert "It takes no arguments: give {}." in result.text


async def test_defaults_stay_the_function_s_own() -> None:
    sentinel = object()

    @tool
    def f(x: int = 1, thing: object = sentinel, late: int = Field(5)) -> str:
        return f"{x} {thing is sentinel} {late}"

    assert (await call(f, {"x": 2})).text == "2 True 5"


async def test_positional_only_parameters_are_given() -> None:
    @tool
    def f(a: int, b: int = 2, /, c: int = 3) -> str:
        return f"{a} {b} {c}"

    assert (await call(f, {"a": 1, "c": 4})).text == "1 2 4"
    assert (await call(f, {"a": 1, "b": 5})).text == "1 5 3"


async def test_aliases_are_accepted() -> None:
    @tool
    def read(
        path: Annotated[str, Field(validation_alias=AliasChoices("path", "file_path"))],
        from_: Annotated[int, Field(alias="from")] = 0,
    ) -> str:
        return f"{path} {from_}"

    assert (await call(read, {"file_path": "a", "from": 2})).text == "a 2"
    assert (await call(read, {"path": "b"})).text == "b 0"


async def test_a_function_may_ask_for_its_session() -> None:
    @tool
    def whoami(context: ToolContext, greeting: str = "hi") -> str:
        return f"{greeting} {context.session_id}"

    assert (await call(whoami)).text == "hi session-1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as is\n", "as is\n"),
        ("", ""),
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (0.5, "0.5"),
        (math.nan, "NaN"),
        (["ä", 1], '["ä",1]'),
        ({"a": (1, 2), "b": {3}}, '{"a":[1,2],"b":[3]}'),
        (Address(street="s"), '{"street":"s","number":1}'),
        ([Point(1.0)], '[{"x":1.0,"y":0.0}]'),
        (Unit.KELVIN, '"k"'),
        (date(2026, 1, 2), '"2026-01-02"'),
        ({"n": np.arange(3), "f": np.float64(0.5)}, '{"n":[0,1,2],"f":0.5}'),
        (ToolResult("own", error=True), "own"),
    ],
)
async def test_values_are_rendered(value: object, text: str) -> None:
    @tool
    def give() -> object:
        return value

    result = await call(give)
    assert result.text == text
    assert "bug" not in result.details


async def test_images_are_returned_beside_a_line_of_text() -> None:
    image = Image("image/png", b"\x89PNG....")

    @tool
    def one() -> Image:
        return image

    @tool
    def more() -> list[object]:
        return ["before", image, {"n": 1}, image]

    result = await call(one)
    assert (result.text, result.images) == ("[image 1: image/png, 8 bytes]", (image,))
    result = await call(more)
    assert result.text == 'before\n[image 1: image/png, 8 bytes]\n{"n":1}\n[image 2: image/png, 8 bytes]'
    assert result.images == (image, image)


async def test_what_can_t_be_shown_is_a_bug_of_the_function() -> None:
    loop: list[object] = []
    loop.append(loop)
    for value in (object(), b"\xff", loop, iter([1]), {"x": threading.Lock()}):

        @tool
        def give(value: object = value) -> object:
            return value

        result = await call(give)
        assert result.error
        assert result.details["bug"] is True
        assert "functions.give returned what can't be shown: " in result.text


async def test_long_results_are_shortened() -> None:
    @tool(max_chars=200)
    def long() -> str:
        return "a" * 1_000 + "b"

    text = (await call(long)).text
    assert len(text) < 260
    assert "[... 801 characters left out ...]" in text
    assert text.endswith("b")


async def test_a_name_that_can_t_be_called_is_in_the_journal() -> None:
    @tool(name="weather.today")
    def today() -> str:
        return "sun"

    made = FunctionTools([today])
    assert made.namespace.recipients == ("functions.weather_today",)
    assert made.names == {"functions.weather_today": "weather.today"}
    assert (await call(made)).details == {"function": "weather.today"}


async def test_a_recipient_that_is_none_gets_an_answer() -> None:
    async with everything.open(CONTEXT) as opened:
        result = await opened.call("functions.other", "{}")
    assert result.error
    assert result.text == "There is no function called 'functions.other'. There are: functions.everything."
