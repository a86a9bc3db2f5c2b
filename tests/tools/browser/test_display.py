"""What the model sees is what it was trained to see, to the character."""

import json

import openai_harmony
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossia.testing import OpenedTool
from ossia.tools.browser import Browser, Corpus
from ossia.tools.browser._display import view_end, wrap
from ossia.tools.browser._tokens import encode


def test_the_declaration_is_that_of_harmony(docs: Corpus) -> None:
    namespace = Browser(corpus=docs).namespace
    trained = openai_harmony.ToolNamespaceConfig.browser()
    assert namespace.placement == "system"
    assert namespace.description.rpartition("\n")[0] == (trained.description or "").rpartition("\n")[0]
    assert namespace.description.endswith("\nsources=web")
    functions = [(tool.name, tool.description, tool.parameters) for tool in trained.tools]
    assert [(f.name, f.description, f.parameters) for f in namespace.functions] == functions
    assert namespace.recipients == ("browser.search", "browser.open", "browser.find")


async def test_search_shows_results_as_trained(browser: OpenedTool) -> None:
    assert await browser.call("browser.search", {"query": "barks"}) == (
        "[0] barks\n"
        "**viewing lines [0 - 4] of 4**\n"
        "\n"
        "L0: \n"
        "L1: URL: \n"
        "L2: # Search Results\n"
        "L3: \n"
        "L4:   * 【0†Dog†docs】 The dog barks at the cat."
    )


async def test_open_shows_a_page_as_trained(browser: OpenedTool) -> None:
    assert await browser.call("browser.open", {"id": "corpus://docs/cat.html"}) == (
        "[0] Cat (corpus://docs/cat.html)\n"
        "**viewing lines [0 - 6] of 6**\n"
        "\n"
        "L0: \n"
        "L1: URL: corpus://docs/cat.html\n"
        "L2: # Cat\n"
        "L3: \n"
        "L4: The cat (Felis catus) is a 【0†mammal】, see 【1†Other site†other.org】.\n"
        "L5: \n"
        "L6: Cats purr."
    )


async def test_find_shows_matches_as_trained(browser: OpenedTool) -> None:
    await browser.call("browser.open", {"id": "corpus://docs/cat.html"})
    assert await browser.call("browser.find", {"pattern": "FELIS catus"}) == (
        "[1] Find results for text: `felis catus` in `Cat` (corpus://docs/cat.html/find?pattern=felis catus)\n"
        "**viewing lines [0 - 3] of 3**\n"
        "\n"
        "L0: # 【0†match at L4】\n"
        "L1: The cat (Felis catus) is a mammal, see Other site.\n"
        "L2: \n"
        "L3: Cats purr."
    )
    nothing = await browser.call("browser.find", {"pattern": "zebra", "cursor": 0})
    assert nothing.splitlines()[-1] == "L0: No `find` results for pattern: `zebra`"


async def test_a_link_id_opens_the_page_behind_it(browser: OpenedTool) -> None:
    await browser.call("browser.open", {"id": "cat.html"})
    shown = await browser.call("browser.open", {"id": 0})
    assert shown.startswith("[1] Mammal (corpus://docs/mammal.html)\n**viewing lines [0 - ")


async def test_a_view_holds_1024_tokens_and_its_last_line_whole(browser: OpenedTool) -> None:
    shown = await browser.call("browser.open", {"id": "mammal.html"})
    lines = shown.split("\n\n", 1)[1].split("\n")
    assert len(encode("\n".join(lines))) > 1024 >= len(encode("\n".join(lines[:-1])))


async def test_scrolling_shows_the_page_from_a_line_under_a_new_cursor(browser: OpenedTool) -> None:
    await browser.call("browser.open", {"id": "mammal.html"})
    shown = await browser.call("browser.open", {"loc": 100, "num_lines": 3})
    assert shown.split("\n")[:2] == ["[1] Mammal (corpus://docs/mammal.html)", "**viewing lines [100 - 102] of 482**"]
    assert [line.split(":")[0] for line in shown.split("\n")[3:]] == ["L100", "L101", "L102"]


async def test_the_match_of_a_find_opens_a_little_above_it(browser: OpenedTool) -> None:
    await browser.call("browser.open", {"id": "mammal.html"})
    found = await browser.call("browser.find", {"pattern": "number 77 about"})
    line = int(found.split("match at L")[1].split("】")[0])
    shown = await browser.call("browser.open", {"id": 0})
    assert f"**viewing lines [{line - 4} - " in shown


async def test_source_is_shown_as_it_was_fetched(browser: OpenedTool) -> None:
    shown = await browser.call("browser.open", {"id": "cat.html", "view_source": True})
    assert "(view-source:corpus://docs/cat.html)" in shown
    assert "L0: <html><head><title>Cat</title></head><body>" in shown
    await browser.call("browser.open", {"id": "cat.html"})
    assert "<h1>Cat</h1>" in await browser.call("browser.open", {"view_source": "true"})


ERRORS = [
    ("browser.open", {}, "No pages to access!"),
    ("browser.find", {"pattern": "x"}, "No pages to access!"),
]
ERRORS_ON_A_PAGE = [
    ("browser.open", {"id": 99}, "Invalid link id `99`."),
    ("browser.open", {"cursor": 7}, "Cursor `7` is out of range. Available cursor indices: [0 - 0]."),
    ("browser.open", {"cursor": -2}, "Cursor `-2` is out of range. Available cursor indices: [0 - 0]."),
    ("browser.open", {"loc": 1000}, "Invalid location parameter: `1000`. Cannot exceed page maximum of 6."),
    ("browser.open", {"cursor": "first"}, '`cursor` should be an integer, not `"first"`'),
    (
        "browser.open",
        {"id": "file:///etc/passwd"},
        "Error fetching URL `file:///etc/passwd`: only http and https addresses can be opened",
    ),
    (
        "browser.open",
        {"id": "corpus://docs/none.html"},
        "Error fetching URL `corpus://docs/none.html`: there is no such document in corpus",
    ),
    (
        "browser.open",
        {"id": 1},
        "Error fetching URL `https://other.org/cats`: it lies outside `corpus`, and the web is not open to this "
        "browser",
    ),
]


@pytest.mark.parametrize(("recipient", "arguments", "text"), ERRORS)
async def test_without_a_page_there_is_nothing_to_do(
    browser: OpenedTool, recipient: str, arguments: dict[str, str], text: str
) -> None:
    assert await browser.call(recipient, arguments) == text


@pytest.mark.parametrize(("recipient", "arguments", "text"), ERRORS_ON_A_PAGE)
async def test_an_error_says_what_is_wrong_and_takes_no_cursor(
    browser: OpenedTool, recipient: str, arguments: dict[str, str | int], text: str
) -> None:
    await browser.call("browser.open", {"id": "cat.html"})
    result = await browser.result(recipient, json.dumps(arguments))
    assert (result.text, result.error) == (text, True)
    assert (await browser.call("browser.open", {})).startswith("[1] Cat")


@given(st.text(alphabet=st.sampled_from("ab \t-\n√🦊x"), max_size=600))
@settings(max_examples=60, deadline=None)
def test_wrapping_loses_nothing_but_tabs(text: str) -> None:
    lines, continues = wrap(text)
    joined = "".join(line if more else "\n" + line for line, more in zip(lines, continues, strict=True))[1:]
    assert joined == "\n".join(
        line.expandtabs() if len(line) > 80 or "\t" in line else line for line in text.split("\n")
    )
    assert all(len(line) <= 80 for line in lines)


def test_wrapping_data_without_spaces_takes_linear_time() -> None:
    lines, _ = wrap("x" * 3_000_000)
    assert len(lines) == 37_500


@given(
    st.lists(st.text(alphabet=st.sampled_from("ab c√🦊.\x0b)"), max_size=80), min_size=1, max_size=80),
    st.integers(64, 400),
)
@settings(max_examples=40, deadline=None)
def test_a_view_ends_with_the_line_that_reaches_its_tokens(lines: list[str], budget: int) -> None:
    end = view_end(lines, 0, budget)
    whole = "\n".join(f"L{n}: {line}" for n, line in enumerate(lines))
    if end == len(lines):
        return
    shown = "\n".join(whole.split("\n")[:end])
    assert len(encode(shown + "\n")) >= budget
    assert len(encode(whole)) > budget
