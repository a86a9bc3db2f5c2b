"""Rows about functions, pages and mistakes are what the tools really show, and what the parser reads."""

import json
import random

import pytest

from nano.batches import Family, family_rows
from nano.browsing import NOT_THERE, Page, browse_row, display, found, results
from nano.declared import function, functions_row
from nano.mistakes import mistake
from nano.prompts import Setting
from nano.rows import Row
from nano.vocabulary import SEAM, decode
from ossia.errors import SandboxUnavailable
from ossia.harmony import parse_completion
from ossia.testing import opened
from ossia.tools import Browser, Python
from ossia.tools.browser import Hit
from ossia.tools.browser.fetch import Document
from ossia.tools.browser.search import ApiClient

SNIPPET = "A snippet that goes on for so long that the browser has to wrap it, and even then it does not end at once."


class OnePage:
    """A web of one page, which any search finds beside another that is not there."""

    name = "one"

    def __init__(self, page: Page) -> None:
        self.page = page

    def check(self) -> None:
        """It needs nothing."""

    async def search(self, query: str, count: int, client: ApiClient) -> list[Hit]:
        return [Hit(self.page.title, self.page.url, SNIPPET), Hit("Other", "https://other.example/9")]

    async def fetch(self, url: str, client: ApiClient) -> Document | None:
        text = f"# {self.page.heading}\n\n" + "\n\n".join(self.page.lines) + "\n"
        return Document(self.page.url, text.encode(), "text/markdown", charset="utf-8", via="one")


@pytest.mark.parametrize(
    "lines",
    [
        ("The mayor of Tarn is Ilse.", "The river is the Elm."),
        ("The river is the Elm.", "The mayor of Tarn is Ilse."),
        ("The mayor of Dorn is Kai.", "The river is the Elm.", "Its motto is new.", "The mayor of Tarn is Ilse."),
        ("Mayor: 17", "One.", "Two.", "Three.", "Four."),
        ("One.", "Two."),
    ],
)
async def test_a_row_shows_pages_as_the_browser_does(lines: tuple[str, ...]) -> None:
    page = Page("About Tarn", "Tarn", "tarn.example", 3, lines)
    other = Page("Other", "Other", "other.example", 9, ())
    async with opened(Browser(search=OnePage(page), javascript="never")) as tool:
        assert await tool.call("browser.search", {"query": "mayor"}) == results("mayor", [page, other], [SNIPPET, ""])
        shown = await tool.call("browser.open", {"id": 0})
        assert shown == display(1, f"{page.heading} ({page.url})", page.shown)
        pattern = "mayor of" if "mayor of" in " ".join(lines) else "mayor"
        assert await tool.call("browser.find", {"pattern": pattern}) == found(pattern, page)[0]


async def test_a_row_shows_a_mistake_as_the_kernel_does() -> None:
    rng = random.Random(1)
    made = [mistake(rng, "dev") for _ in range(6)]
    try:
        async with opened(Python(), sandbox="bubblewrap") as tool:
            for number, item in enumerate(made, 1):
                shown = (await tool.call("python", item.code)).replace(f"In[{2 * number - 1}]", "In[1]")
                assert shown == item.shown
                assert (await tool.call("python", item.mended)).strip() == item.result
    except SandboxUnavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("family", ["python", "functions", "mixed", "hits", "browser", "untooled"])
def test_completions_of_every_family_parse_without_a_repair(family: Family) -> None:
    rng = random.Random(5)
    for _ in range(6):
        prefix, rows = family_rows(rng, family, 8, "train")
        assert decode(prefix).startswith("<|start|>system")
        for row in rows:
            if row.family == "babble":
                continue
            for start, end in row.turns:
                if decode(row.ids[:start]).endswith("<|message|>"):
                    start -= 3  # the header of a forced final
                text = decode(row.ids[start:end])
                names = {part.split()[0].split("<")[0] for part in text.split(" to=")[1:]}
                completion = parse_completion(row.ids[start:end], sorted(names) or ["python"])
                assert not completion.repairs, text
                assert not completion.truncated
                assert completion.stop == ("call" if completion.calls else "return")


def test_a_function_is_quoted_from_its_declaration() -> None:
    rng = random.Random(3)
    for _ in range(40):
        described = decode(functions_row(rng, Setting(), "described").ids)
        declared, rest = described.split("<|start|>user", 1)
        quoted = rest.split(" Find ", 1)[1].split(" => any", 1)[0]
        assert quoted.lower() in declared.lower()
        named = decode(functions_row(rng, Setting(), "named").ids)
        declared, rest = named.split("<|start|>user", 1)
        assert rest.split(".\n", 1)[1].split(" => any", 1)[0] in declared


def test_a_missing_argument_is_said_to_be_missing_and_asked_for() -> None:
    rng = random.Random(8)
    for _ in range(40):
        text = decode(functions_row(rng, Setting(), "missing").ids)
        lacking = text.rsplit("Which ", 1)[1].split("?", 1)[0]
        question = text.split("<|start|>user<|message|>", 1)[1].split("<|end|>", 1)[0]
        assert text.count(f"\n{lacking} is missing") == text.count(" is missing") == 1
        assert f"{lacking} " not in question.replace("?", " ")


def test_the_hit_is_quoted_up_to_the_number_after_it() -> None:
    rng = random.Random(9)
    for _ in range(60):
        text = decode(browse_row(rng, "medium", whole=False).ids)
        shown, quoted = text.split("<|channel|>analysis<|message|>The hit is ", 1)
        quoted, number = quoted.split("<|end|>", 1)[0].rsplit(": ", 1)
        if "\nlines [0 - " in quoted:
            quoted, last = quoted.split("\nlines [0 - ")
            assert f"of {last.rstrip(']')}**" in shown
            assert int(number) == int(last.rstrip("]")) - 4
        else:
            assert int(number) == int(quoted[-1]) - 1
        assert quoted in shown
        assert f'{{"id": {number}}}<|call|>' in text


def test_the_arguments_of_a_row_are_those_that_are_declared() -> None:
    rng = random.Random(4)
    for style in ("named", "described"):
        for _ in range(20):
            row = functions_row(rng, Setting(), "named" if style == "named" else "described")
            start, end = row.turns[0]
            (call,) = parse_completion(row.ids[start:end], ["functions.f"]).calls
            assert json.loads(call.text)
    assert len(function(rng, 3).parameters) >= 1


def test_the_line_that_is_cited_says_what_was_asked() -> None:
    rng = random.Random(6)
    for _ in range(40):
        text = decode(browse_row(rng, "medium").ids)
        if NOT_THERE in text:
            assert "No `find` results for pattern" in text
            continue
        noun = text.split('{"pattern": "', 1)[1].split('"', 1)[0]
        line, number = text.split("<|channel|>final<|message|>The page says: ", 1)[1].split("【1†L", 1)
        assert noun in line.lower()
        assert f"L{number.split('】')[0]}: {line}" in text


def test_a_seam_keeps_a_token_from_depending_on_what_follows() -> None:
    row = Row("named")
    row.completion(f"to=functions{SEAM}.{SEAM}find")
    assert [decode([i]) for i in row.ids[-3:]] == ["functions", ".", "find"]


def test_effort_changes_the_length_of_the_analysis() -> None:
    def length(effort: str) -> int:
        rng = random.Random(7)
        row = browse_row(rng, "high" if effort == "high" else "medium")
        return row.turns[0][1] - row.turns[0][0]

    assert length("high") > length("medium")
