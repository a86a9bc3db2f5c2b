"""`@tool`: what the model is told of a function, and what is refused when it is decorated."""

import functools
import sys
import types
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import AliasChoices, BaseModel, Field

from ossia.errors import UserError
from ossia.harmony import PromptConfig
from ossia.harmony._prompt import developer_text
from ossia.tools.functions import FunctionTools, tool
from ossia.tools.functions.names import callable_names
from ossia.tools.protocol import Tool, ToolContext
from ossia.types import JsonSchema


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


def properties(schema: JsonSchema | None) -> dict[str, dict[str, object]]:
    assert schema is not None
    found = schema["properties"]
    assert isinstance(found, dict)
    return found


def google(base: str, quote: Literal["EUR", "USD"] = "EUR", *, days: int | None = None) -> float:
    """Today's exchange rate.

    As published by the central bank.

    Args:
        base: Code of the currency,
            three letters.
        quote (str): The other currency.
        days: How old it may be.

    Returns:
        Units of quote for one of base.

    Raises:
        KeyError: never shown.
    """
    return len(base) + len(quote) + (days or 0)


def numpy(base: str, quote: Literal["EUR", "USD"] = "EUR", *, days: int | None = None) -> float:
    """Today's exchange rate.

    As published by the central bank.

    Parameters
    ----------
    base : str
        Code of the currency,
        three letters.
    quote : str
        The other currency.
    days : int, optional
        How old it may be.

    Returns
    -------
    float
        Units of quote for one of base.
    """
    return google(base, quote, days=days)


def sphinx(base: str, quote: Literal["EUR", "USD"] = "EUR", *, days: int | None = None) -> float:
    """Today's exchange rate.

    As published by the central bank.

    :param base: Code of the currency,
        three letters.
    :param quote: The other currency.
    :param days: How old it may be.
    :returns: Units of quote for one of base.
    """
    return google(base, quote, days=days)


@pytest.mark.parametrize("function", [google, numpy, sphinx])
def test_a_docstring_of_any_style_describes_function_and_parameters(function: Callable[..., float]) -> None:
    made = tool(function)
    assert made.options.name == function.__name__
    assert made.options.description == (
        "Today's exchange rate.\n\nAs published by the central bank.\n\nReturns: Units of quote for one of base."
    )
    assert made.parameters.schema == {
        "type": "object",
        "additionalProperties": False,
        "required": ["base"],
        "properties": {
            "base": {"type": "string", "description": "Code of the currency,\nthree letters."},
            "quote": {
                "type": "string",
                "enum": ["EUR", "USD"],
                "default": "EUR",
                "description": "The other currency.",
            },
            "days": {
                "anyOf": [{"type": "integer"}, {"type": "null"}],
                "default": None,
                "description": "How old it may be.",
            },
        },
    }


def test_several_numpy_parameters_share_a_description() -> None:
    def move(x: float, y: float) -> None:
        """Move.

        Parameters
        ----------
        x, y : float
            Metres.
        """

    found = properties(tool(move).parameters.schema)
    assert found["x"]["description"] == found["y"]["description"] == "Metres."


@pytest.mark.parametrize("text", [None, "", "  \n ", "Only this: a line.", "Look:\n\n    indented\n\n:odd\nend"])
def test_a_docstring_without_sections_is_all_description(text: str | None) -> None:
    def f(x: int) -> int:
        return x

    f.__doc__ = text
    made = tool(f)
    assert made.options.description == (text or "").strip()
    assert properties(made.parameters.schema) == {"x": {"type": "integer"}}


def test_an_annotation_s_description_and_bounds_go_before_the_docstring_s() -> None:
    @tool
    def f(x: Annotated[int, Field(ge=1, description="mine")], y: int = Field(5, le=9, description="also")) -> int:
        """Add.

        Args:
            x: not this
            y: nor this
        """
        return x + y

    assert properties(f.parameters.schema) == {
        "x": {"type": "integer", "minimum": 1, "description": "mine"},
        "y": {"type": "integer", "maximum": 9, "default": 5, "description": "also"},
    }


def test_nested_models_enums_unions_and_dataclasses_come_out_as_one_schema() -> None:
    @tool
    def f(
        home: Address | None = None,
        path: tuple[Point, ...] = (),
        unit: Unit = Unit.CELSIUS,
        tags: set[str] | None = None,
        by: dict[str, list[int]] | None = None,
        day: date = date(2026, 1, 2),
    ) -> None:
        """Do."""

    found = properties(f.parameters.schema)
    assert f.parameters.schema is not None
    assert f.parameters.schema["$defs"] == {
        "Address": {
            "type": "object",
            "properties": {"street": {"type": "string"}, "number": {"type": "integer", "default": 1}},
            "required": ["street"],
        },
        "Point": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"x": {"type": "number"}, "y": {"type": "number", "default": 0.0}},
            "required": ["x"],
        },
        "Unit": {"type": "string", "enum": ["c", "k"]},
    }
    assert found["home"] == {"anyOf": [{"$ref": "#/$defs/Address"}, {"type": "null"}], "default": None}
    assert found["path"] == {"type": "array", "items": {"$ref": "#/$defs/Point"}, "default": []}
    assert found["unit"] == {"$ref": "#/$defs/Unit", "default": "c"}
    assert found["day"] == {"type": "string", "format": "date", "default": "2026-01-02"}
    assert "required" not in f.parameters.schema


def test_the_prompt_declares_functions_in_the_developer_message() -> None:
    text = developer_text(PromptConfig(tools=(FunctionTools([google, sphinx]).namespace,)))
    assert text is not None
    assert text.startswith("# Tools\n\n## functions\n\nnamespace functions {\n\n// Today's exchange rate.\n")
    assert 'quote?: "EUR" | "USD", // default: "EUR"' in text or 'quote?: "EUR" | "USD", // default: EUR' in text
    assert "type sphinx = (_: {" in text


def test_a_function_without_parameters_has_no_schema() -> None:
    @tool
    def now() -> str:
        """The time."""
        return "12:00"

    assert now.parameters.schema is None
    assert now.namespace.functions[0].parameters is None


def test_parameters_may_be_called_anything() -> None:
    @tool
    def f(schema: int, model_config: int, json: int, _x: int, copy: int = 1) -> int:  # names that pydantic keeps
        return schema + model_config + json + _x + copy

    assert list(properties(f.parameters.schema)) == ["schema", "model_config", "json", "_x", "copy"]


def test_a_default_that_is_no_json_is_not_shown() -> None:
    sentinel = object()

    @tool
    def f(x: object = sentinel) -> bool:
        return x is sentinel

    assert properties(f.parameters.schema) == {"x": {}}


def test_aliases_are_the_names_that_the_model_sees() -> None:
    @tool
    def f(
        from_: Annotated[str, Field(alias="from")],
        path: Annotated[str, Field(validation_alias=AliasChoices("path", "file"))],
    ) -> str:
        return from_ + path

    assert list(properties(f.parameters.schema)) == ["from", "path"]


def test_a_session_s_context_is_not_shown() -> None:
    @tool
    def f(x: int, context: ToolContext) -> str:
        return f"{x} {context.session_id}"

    assert list(properties(f.parameters.schema)) == ["x"]


def test_what_a_partial_has_bound_is_not_shown() -> None:
    def query(text: str, key: str, limit: int = 3) -> str:
        """Ask."""
        return f"{text} {key} {limit}"

    made = tool(functools.partial(query, key="s3cret"), name="ask")
    assert list(properties(made.parameters.schema)) == ["text", "limit"]
    assert "s3cret" not in str(made.namespace)
    assert made.options.description == "Ask."


def test_options_replace_what_the_function_says() -> None:
    made = tool(google, name="rate", description="Short.", namespace="bank")
    assert made.namespace.recipients == ("bank.rate",)
    assert made.namespace.functions[0].description == "Short."
    again = tool(made, name="again")
    assert (again.options.name, again("EUR", "USD")) == ("again", 6)


def test_a_decorated_function_is_still_one() -> None:
    @tool
    def add(x: int, y: int = 1) -> int:
        """Add."""
        return x + y

    @tool(timeout=3)
    async def wait() -> int:
        """Wait."""
        return 1

    assert (add(1, y=2), vars(add)["__name__"], add.__doc__, add.__module__) == (3, "add", "Add.", __name__)
    assert isinstance(add, Tool)
    assert repr(add) == "<tool functions.add>"
    wait().close()


class Weather:
    def today(self, city: str) -> str:
        """Weather."""
        return city

    def __call__(self, city: str) -> str:
        """Called."""
        return city


def test_bound_methods_and_callable_objects_are_functions_too() -> None:
    assert tool(Weather().today).namespace.recipients == ("functions.today",)
    called = tool(Weather(), name="weather")
    assert called.namespace.functions[0].description == "Called."
    assert list(properties(called.parameters.schema)) == ["city"]


def test_what_has_no_annotation_is_named() -> None:
    def rate(base, quote: str) -> float:  # type: ignore[no-untyped-def]
        return 1.0

    with pytest.raises(UserError, match=r"Parameter 'base' of 'rate' has no annotation: say its type, `base: str`"):
        tool(rate)
    with pytest.raises(UserError, match=r"'today' is a method: .*`tool\(instance.today\)`"):
        tool(Weather.today)


def test_what_can_t_be_read_from_json_is_named() -> None:
    def watch(name: str, on: Callable[[int], int]) -> None: ...

    def keep(name: str, thing: types.FrameType) -> None: ...

    with pytest.raises(UserError, match=r"Parameter 'on' of 'watch' is annotated .*Callable.*use built-in types"):
        tool(watch)
    with pytest.raises(UserError, match=r"Parameter 'thing' of 'keep' is annotated frame, which can't"):
        tool(keep)


def test_annotations_that_name_nothing_are_refused() -> None:
    def f(x: "Missing") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(UserError, match=r"The annotations of 'f' can't be read: name 'Missing' is not defined"):
        tool(f)


def test_open_parameters_generators_and_bad_options_are_refused() -> None:
    def star(*names: str) -> None: ...
    def stars(**names: str) -> None: ...
    def many() -> Iterator[int]:
        yield 1

    async def stream() -> AsyncIterator[int]:
        yield 1

    functions: list[Callable[..., object]] = [star, stars, many, stream]
    for function, words in zip(functions, (r"'\*names'", r"'\*\*names'", "generator", "generator"), strict=True):
        with pytest.raises(UserError, match=words):
            tool(function)
    with pytest.raises(UserError, match=r"timeout=0"):
        tool(google, timeout=0)
    with pytest.raises(UserError, match=r"max_chars=1"):
        tool(google, max_chars=1)
    with pytest.raises(UserError, match=r"has an empty name"):
        tool(google, name="")
    with pytest.raises(UserError, match=r"'my.tools' can't be a namespace"):
        tool(google, namespace="my.tools")


def test_string_annotations_are_read() -> None:
    source = "from __future__ import annotations\nclass T(int): ...\ndef f(x: list[int], y: 'int' = 2) -> str: ..."
    module = types.ModuleType("annotated_later")
    sys.modules[module.__name__] = module
    try:
        exec(source, module.__dict__)
        assert properties(tool(module.f).parameters.schema)["x"] == {"type": "array", "items": {"type": "integer"}}
    finally:
        del sys.modules[module.__name__]


def test_names_map_reversibly() -> None:
    names = ["fs.read", "fs_read", "fs/read", "2nd", "plain", "größe", "a b"]
    assert callable_names(names) == {
        "fs.read": "fs_read_2",
        "fs_read": "fs_read",
        "fs/read": "fs_read_3",
        "2nd": "_2nd",
        "plain": "plain",
        "größe": "gr__e",
        "a b": "a_b",
    }
    with pytest.raises(UserError, match=r"Two functions are called 'x'"):
        callable_names(["x", "y", "x"])
