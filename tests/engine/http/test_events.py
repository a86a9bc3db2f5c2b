"""Streams of events, however the network cuts them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossia.engine.http._events import LONGEST_LINE, EventLines
from ossia.engine.http._faults import Unreadable, server_words

EVENTS = st.lists(st.dictionaries(st.text(max_size=5), st.lists(st.integers(), max_size=4), max_size=3), max_size=6)


@given(EVENTS, st.lists(st.integers(1, 40), max_size=20), st.sampled_from(["\n", "\r\n"]))
def test_events_are_the_same_wherever_the_stream_is_cut(
    events: list[dict[str, list[int]]], cuts: list[int], newline: str
) -> None:
    lines = [f": ping{newline}", *(f"event: x{newline}data: {json.dumps(e)}{newline}{newline}" for e in events)]
    data = ("".join(lines) + f"data: [DONE]{newline}{newline}").encode()
    parser, got = EventLines("http://host"), []
    for size in [*cuts, len(data)]:
        piece, data = data[:size], data[size:]
        got += list(parser.feed(piece))
    assert got == events


@pytest.mark.parametrize("data", [b"data: {\n", b"data: 5\n", b"data: [1]\n", b"data: \xff\n"])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable, match="http://host sends"):
        list(EventLines("http://host").feed(data))


def test_a_line_without_an_end_is_refused() -> None:
    with pytest.raises(Unreadable, match="no stream of events"):
        list(EventLines("http://host").feed(b"x" * (LONGEST_LINE + 1)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"error": {"message": "too\\nlong"}}', "too long"),
        ('{"error": "plain"}', "plain"),
        ('{"detail": "Not Found"}', "Not Found"),
        ("<html>Bad gateway</html>", "<html>Bad gateway</html>"),
        ("", "no reason given"),
        ('{"message": "key sk-1 is wrong"}', "key [key] is wrong"),
    ],
)
def test_a_servers_words_are_one_line_without_the_key(text: str, words: str) -> None:
    assert server_words(text, "sk-1") == words
    assert len(server_words("x" * 9999, None)) < 400
