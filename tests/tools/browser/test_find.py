"""Finding text in a page: what the reference finds, and what it misses."""

from ossia.testing import OpenedTool
from ossia.tools.browser._find import find
from ossia.tools.browser._page import Page


def lines_of(pattern: str, text: str) -> list[int]:
    page = find(pattern, Page("https://e.org/", "T", text))
    return [int(line.split("match at L")[1].rstrip("】")) for line in page.text.split("\n") if "match at L" in line]


def test_letter_case_does_not_count() -> None:
    assert lines_of("CAT", "a\nThe cat") == [1]


def test_a_match_over_the_end_of_a_wrapped_line_is_found_where_it_begins() -> None:
    text = "word " * 15 + "alpha beta gamma"
    assert lines_of("alpha beta", text) == [0]
    assert lines_of("gamma", text) == [1]


def test_unicode_forms_do_not_count() -> None:
    assert lines_of("fig", "the ﬁg tree") == [0]
    assert lines_of("ＡＢＣ", "abc") == [0]
    assert lines_of("é", "cafe\u0301") == [0]


def test_the_next_match_is_looked_for_after_the_four_lines_that_are_shown() -> None:
    assert lines_of("x", "\n".join("x" * 1 for _ in range(10))) == [0, 4, 8]


def test_at_most_fifty_matches_are_shown() -> None:
    assert len(lines_of("x", "\n".join("x" for _ in range(1000)))) == 50


def test_the_text_of_links_is_searched_but_not_their_marks() -> None:
    assert lines_of("see other here", "see 【1†other†other.org】 here") == [0]
    assert lines_of("other.org", "see 【1†other†other.org】 here") == []


def test_several_matches_in_one_long_paragraph_are_told_by_their_lines() -> None:
    assert lines_of("needle", ("needle " + "straw " * 100) * 3) == [0, 7, 15]


async def test_search_results_can_be_searched_too(browser: OpenedTool) -> None:
    await browser.call("browser.search", {"query": "cat"})
    assert "match at L" in await browser.call("browser.find", {"pattern": "dog"})
