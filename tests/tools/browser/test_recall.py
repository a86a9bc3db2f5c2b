"""A session of an earlier process goes on with the cursors that it had."""

import json
from collections.abc import Sequence
from pathlib import Path

from ossia.testing import OpenedTool, opened
from ossia.testing.web import local_web
from ossia.tools.browser import Browser, Corpus, DuckDuckGo, OpenBrowser
from tests.tools.browser.test_search import DDG_PAGE

Call = tuple[str, str, str]


async def run(tool: OpenedTool, calls: Sequence[tuple[str, dict[str, str | int]]]) -> list[Call]:
    return [(name, json.dumps(args), await tool.call(name, args)) for name, args in calls]


async def recall(tool: OpenedTool, calls: Sequence[Call]) -> OpenBrowser:
    browser = tool._open
    assert isinstance(browser, OpenBrowser)
    for call in calls:
        await browser.recall(*call)
    return browser


async def test_pages_of_a_corpus_come_back_whole(docs: Corpus) -> None:
    async with opened(Browser(corpus=docs)) as tool:
        calls = await run(
            tool,
            [
                ("browser.search", {"query": "purr"}),
                ("browser.open", {"id": 99}),
                ("browser.open", {"id": 0}),
                ("browser.find", {"pattern": "purr"}),
            ],
        )
    async with opened(Browser(corpus=docs)) as tool:
        await recall(tool, calls)
        assert (await tool.call("browser.open", {"cursor": 1, "id": 0})).startswith("[3] Mammal")


async def test_recorded_pages_come_back_whole_without_being_fetched(tmp_path: Path) -> None:
    async with local_web({"/two": "<p>two"}) as site:
        site.pages["/"] = DDG_PAGE.replace("https://cats.example/", site.url("/two"))
        browser = Browser(
            search=DuckDuckGo(endpoint=site.url()),
            private=(site.netloc,),
            javascript="never",
            record=tmp_path / "run.sqlite3",
        )
        async with opened(browser) as tool:
            calls = await run(tool, [("browser.search", {"query": "cats"}), ("browser.open", {"id": 0})])
        count = len(site.requests)
        async with opened(browser) as tool:
            opened_browser = await recall(tool, calls)
            assert [page.url for page in opened_browser.pages] == ["", site.url("/two")]
        assert len(site.requests) == count


async def test_what_is_not_kept_anywhere_is_known_as_far_as_it_was_shown() -> None:
    async with local_web({"/": "<title>T</title><p>" + "word " * 3000 + "<a href=/two>two</a>"}) as site:
        browser = Browser(private=(site.netloc,), javascript="never")
        async with opened(browser) as tool:
            calls = await run(
                tool, [("browser.open", {"id": site.url()}), ("browser.open", {"loc": 150, "num_lines": 10})]
            )
        site.pages.clear()
        async with opened(browser) as tool:
            opened_browser = await recall(tool, calls)
            assert await tool.call("browser.open", {"cursor": 1, "loc": 150, "num_lines": 10}) == calls[1][2].replace(
                "[1]", "[2]", 1
            )
            text = f"The links of this page are not known any more: open `{site.url()}` again."
            assert await tool.call("browser.open", {"cursor": 1, "id": 0}) == text
            (citation,) = opened_browser.cite("x【1†L152】").citations
            assert (citation.url, citation.title) == (site.url(), "T")
        assert len(site.requests) == 1
