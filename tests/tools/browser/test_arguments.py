"""Every argument that a model has been seen to write has a defined answer."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossia.testing import OpenedTool
from ossia.tools.browser._arguments import Find, Open, Search, UsageError, parse
from ossia.types import JsonValue

UNDERSTOOD: list[tuple[str, dict[str, JsonValue], Search | Open | Find]] = [
    ("search", {"query": "cats"}, Search("cats")),
    ("search", {"query": "cats", "topn": 5}, Search("cats", 5)),
    ("search", {"query": "cats", "topn": "5"}, Search("cats", 5)),
    ("search", {"query": "cats", "topn": 1000}, Search("cats", 50)),
    ("search", {"query": "cats", "topn": 0}, Search("cats", 1)),
    ("search", {"query": "cats", "top_n": 3}, Search("cats", 3)),
    ("search", {"query": "cats", "topn": None, "source": None}, Search("cats")),
    ("search", {"q": "cats"}, Search("cats")),
    ("search", {"queries": ["cats", "dogs"]}, Search("cats dogs")),
    ("search", {"query": 1984}, Search("1984")),
    ("open", {}, Open()),
    ("open", {"id": 3}, Open(id=3)),
    ("open", {"id": 3.0}, Open(id=3)),
    ("open", {"id": "3"}, Open(id=3)),
    ("open", {"id": "【3†Cats】"}, Open(id=3)),
    ("open", {"id": "3†Cats"}, Open(id=3)),
    ("open", {"id": "-1"}, Open()),
    ("open", {"id": None, "cursor": None, "loc": None, "num_lines": None}, Open()),
    ("open", {"id": ""}, Open()),
    ("open", {"id": "https://example.org"}, Open(id="https://example.org")),
    ("open", {"url": "https://example.org"}, Open(id="https://example.org")),
    ("open", {"cursor": "2", "loc": "L10", "num_lines": "20"}, Open(cursor=2, loc=10, num_lines=20)),
    ("open", {"id": 1, "view_source": "true"}, Open(id=1, view_source=True)),
    ("open", {"id": 1, "view_source": None}, Open(id=1)),
    ("find", {"pattern": "purr"}, Find("purr")),
    ("find", {"pattern": "purr", "cursor": "1"}, Find("purr", 1)),
    ("find", {"text": "purr"}, Find("purr")),
    ("find", {"pattern": 42}, Find("42")),
]


@pytest.mark.parametrize(("function", "arguments", "call"), UNDERSTOOD)
def test_what_is_meant_is_understood(
    function: str, arguments: dict[str, JsonValue], call: Search | Open | Find
) -> None:
    assert parse(function, json.dumps(arguments)).call == call


REFUSED: list[tuple[str, str, str]] = [
    ("search", "{}", '`query` is missing. Call `browser.search` with `{"query": "..."}`.'),
    ("search", "", '`query` is missing. Call `browser.search` with `{"query": "..."}`.'),
    ("search", '{"query": null}', '`query` is missing. Call `browser.search` with `{"query": "..."}`.'),
    ("search", '{"query": "  "}', "`query` is empty."),
    ("search", '{"query": {"a": 1}}', '`query` should be a string, not `{"a": 1}`'),
    ("find", '{"cursor": 1}', '`pattern` is missing. Call `browser.find` with `{"pattern": "..."}`.'),
    ("open", '{"cursor": true}', "`cursor` should be an integer, not `true`"),
    ("open", '{"loc": 1.5}', "`loc` should be an integer, not `1.5`"),
    ("open", '{"view_source": "maybe"}', '`view_source` should be a boolean, not `"maybe"`'),
    ("open", "not json", '{"error": "Invalid function arguments"}'),
    ("open", "[1]", '{"error": "Invalid function arguments"}'),
    ("open", '"https://example.org"', '{"error": "Invalid function arguments"}'),
    ("click", "{}", '{"error": "Unknown function: click"}'),
]


@pytest.mark.parametrize(("function", "arguments", "text"), REFUSED)
def test_what_cannot_be_meant_is_answered_with_the_reason(function: str, arguments: str, text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(function, arguments)
    assert str(raised.value) == text


def test_unknown_arguments_are_ignored_and_noted() -> None:
    parsed = parse("search", '{"query": "cats", "recency_days": 30, "lang": "en"}')
    assert parsed.call == Search("cats")
    assert parsed.ignored == ("lang", "recency_days")


async def test_ignored_arguments_are_in_the_journal(browser: OpenedTool) -> None:
    result = await browser.result("browser.search", {"query": "cat", "recency_days": 30})
    assert not result.error
    assert result.details["ignored"] == "recency_days"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["query", "topn", "source", "id", "cursor", "loc", "num_lines", "view_source", "pattern", "x"])


@given(st.sampled_from(["search", "open", "find", "x"]), st.dictionaries(NAMES, VALUES, max_size=6))
@settings(max_examples=300, deadline=None)
def test_nothing_that_a_model_writes_raises_anything_else(function: str, arguments: dict[str, JsonValue]) -> None:
    with suppress(UsageError):
        parse(function, json.dumps(arguments))
