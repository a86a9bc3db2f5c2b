"""Each cursor is a snapshot: what it means never changes."""

from ossia.testing import OpenedTool, opened
from ossia.testing.web import WebPage, local_web
from ossia.tools.browser import Browser


async def test_a_link_of_an_earlier_search_opens_what_that_search_showed(browser: OpenedTool) -> None:
    first = await browser.call("browser.search", {"query": "barks"})
    second = await browser.call("browser.search", {"query": "purr"})
    assert "Dog" in first
    assert "Cat" in second
    assert (await browser.call("browser.open", {"cursor": 0, "id": 0})).startswith("[2] Dog ")
    assert (await browser.call("browser.open", {"cursor": 1, "id": 0})).startswith("[3] Cat ")


async def test_the_same_search_again_is_a_page_of_its_own(browser: OpenedTool) -> None:
    await browser.call("browser.search", {"query": "cat", "topn": 1})
    await browser.call("browser.search", {"query": "cat", "topn": 3})
    assert await browser.call("browser.open", {"cursor": 0, "id": 1}) == "Invalid link id `1`."
    assert (await browser.call("browser.open", {"cursor": 1, "id": 1})).startswith("[2] ")


async def test_opening_an_address_again_leaves_the_earlier_cursor_as_it_was() -> None:
    async with local_web({"/": "<p>old"}) as site, opened(Browser(private=(site.netloc,), javascript="never")) as tool:
        await tool.call("browser.open", {"id": site.url()})
        site.pages["/"] = "<p>new"
        assert "L2: new" in await tool.call("browser.open", {"id": site.url()})
        assert "L2: old" in await tool.call("browser.open", {"cursor": 0})
        assert len(site.requests) == 2


async def test_a_link_opens_the_page_as_it_was_seen_before() -> None:
    pages = {"/": "<a href='/two'>two</a>", "/two": "<p>old"}
    async with local_web(pages) as site, opened(Browser(private=(site.netloc,), javascript="never")) as tool:
        await tool.call("browser.open", {"id": site.url()})
        await tool.call("browser.open", {"id": 0})
        site.pages["/two"] = WebPage(status=500)
        assert "L2: old" in await tool.call("browser.open", {"cursor": 0, "id": 0})
        assert site.requests == ["GET /", "GET /two"]


async def test_a_page_is_found_in_and_scrolled_by_its_cursor_after_others_were_opened(browser: OpenedTool) -> None:
    await browser.call("browser.open", {"id": "mammal.html"})
    await browser.call("browser.open", {"id": "cat.html"})
    assert "in `Mammal`" in await browser.call("browser.find", {"pattern": "winter", "cursor": 0})
    assert (await browser.call("browser.open", {"cursor": 0, "loc": 50})).startswith("[3] Mammal")


async def test_sessions_do_not_see_each_other(browser: OpenedTool) -> None:
    await browser.call("browser.open", {"id": "cat.html"})
    async with opened(browser.tool) as other:
        assert await other.call("browser.open", {}) == "No pages to access!"
