"""What an answer cites can be checked: address, title and the lines themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ossia.testing import opened
from ossia.tools.browser import Browser, Corpus, OpenBrowser
from ossia.tools.browser._find import find
from ossia.tools.browser._page import Link, Page
from ossia.tools.browser._results import results_page
from ossia.tools.browser.citations import CitationStream, cite
from ossia.tools.browser.search import Hit

CAT = Page(
    "https://e.org/cat", "Cat", "\nURL: https://e.org/cat\nThe 【0†cat】 purrs.\nIt sleeps.", (Link("https://e.org/0"),)
)
SEARCH = results_page("cats", [Hit("One", "https://one.org/", "first " * 30), Hit("Two", "https://two.org/", "second")])
FOUND = find("sleeps", CAT)
SOURCE = Page("view-source:https://e.org/cat", "Cat", "<p>", kind="source", of=CAT)
PAGES = (SEARCH, CAT, FOUND, SOURCE)


def test_a_citation_becomes_a_link_with_its_lines() -> None:
    cited = cite("Cats purr【1†L2-L3】.", PAGES)
    assert cited.text == "Cats purr ([e.org](https://e.org/cat)) ."
    (citation,) = cited.citations
    assert cited.text[citation.start : citation.end] == " ([e.org](https://e.org/cat)) "
    assert (citation.cursor, citation.url, citation.title, citation.lines) == (1, "https://e.org/cat", "Cat", (2, 3))
    assert citation.quote == "The cat purrs.\nIt sleeps."
    assert citation.annotation() == {
        "type": "url_citation",
        "start_index": 9,
        "end_index": 39,
        "url": "https://e.org/cat",
        "title": "Cat",
    }


@pytest.mark.parametrize(
    ("marker", "url", "lines", "quote"),
    [
        ("【1†L2】", "https://e.org/cat", (2, 2), "The cat purrs."),
        ("【1†L3-2】", "https://e.org/cat", (2, 3), "The cat purrs.\nIt sleeps."),
        ("【1†L2-L99】", "https://e.org/cat", (2, 3), "The cat purrs.\nIt sleeps."),
        ("【1†L2-L3†source】", "https://e.org/cat", (2, 3), "The cat purrs.\nIt sleeps."),
        ("【1†source】", "https://e.org/cat", None, ""),
        ("【2†L1】", "https://e.org/cat", (3, 3), "It sleeps."),
        ("【3†L0】", "https://e.org/cat", (0, 0), "<p>"),
        ("【0†L4】", "https://one.org/", None, None),
        ("【0†L6】", "https://one.org/", None, None),
        ("【1†Two†two.org】", "https://two.org/", None, ""),
    ],
)
def test_every_way_to_cite_leads_to_a_page(
    marker: str, url: str, lines: tuple[int, int] | None, quote: str | None
) -> None:
    (citation,) = cite(f"x {marker}", PAGES).citations
    assert (citation.url, citation.lines) == (url, lines)
    assert quote is None or citation.quote == quote


@pytest.mark.parametrize(
    ("marker", "reason"),
    [
        ("【9†L1】", "there is no cursor 9"),
        ("【1†L70】", "cursor 1 has no line 70"),
        ("【0†L1】", "it cites search results, not a page"),
        ("【0†results】", "it cites search results, not a page"),
    ],
)
def test_a_citation_of_nothing_is_reported_and_left_as_it_was(marker: str, reason: str) -> None:
    cited = cite(f"x {marker} y", PAGES)
    assert cited.text == f"x {marker} y"
    assert cited.citations == ()
    (unresolved,) = cited.unresolved
    assert (unresolved.start, unresolved.marker, unresolved.reason) == (2, marker, reason)


def test_the_marker_can_stay_or_go() -> None:
    assert cite("a【1†L2】b", PAGES, "raw").text == "a【1†L2】b"
    assert cite("a【1†L2】b", PAGES, "raw").citations[0].end == 7
    assert cite("a【1†L2】b", PAGES, "strip").text == "ab"


def test_a_stream_holds_back_an_unfinished_marker() -> None:
    stream = CitationStream(PAGES)
    shown = [stream.feed(piece).text for piece in ("Cats purr", "【1", "†L2", "】", " and", "【 sleep")]
    assert shown == ["Cats purr", "", "", " ([e.org](https://e.org/cat)) ", " and", ""]
    assert stream.finish().text == "【 sleep"


def test_a_stream_does_not_wait_for_ever() -> None:
    stream = CitationStream(PAGES)
    assert stream.feed("【" + "x" * 400).text == "【" + "x" * 400


MARKED = st.lists(st.sampled_from(["【1†L2】", "【9†L1】", "【0†L4】", "a", " b", "【", "】", "†", "🦊"]), max_size=20)


@given(MARKED, st.integers(1, 5))
def test_pieces_of_any_size_give_what_the_whole_gives(parts: list[str], size: int) -> None:
    text = "".join(parts)
    whole = cite(text, PAGES)
    stream = CitationStream(PAGES)
    pieces = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)] + [stream.finish()]
    assert "".join(piece.text for piece in pieces) == whole.text
    assert tuple(c for piece in pieces for c in piece.citations) == whole.citations
    assert tuple(u for piece in pieces for u in piece.unresolved) == whole.unresolved


async def test_a_session_resolves_what_was_opened_in_it(docs: Corpus) -> None:
    async with opened(Browser(corpus=docs)) as tool:
        await tool.call("browser.open", {"id": "cat.html"})
        assert isinstance(tool._open, OpenBrowser)
        (citation,) = tool._open.cite("They purr【0†L6】.").citations
    assert (citation.url, citation.quote) == ("corpus://docs/cat.html", "Cats purr.")
