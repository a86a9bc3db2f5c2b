"""The public web, where there is one."""

import pytest

from ossia.testing import opened
from ossia.tools.browser import Browser

pytestmark = pytest.mark.network


async def test_a_page_of_the_public_web_is_opened() -> None:
    async with opened(Browser(javascript="never")) as tool:
        assert "Example Domain" in await tool.call("browser.open", {"id": "https://example.org/"})


async def test_duckduckgo_answers_or_says_why_not() -> None:
    async with opened(Browser(javascript="never")) as tool:
        result = await tool.result("browser.search", {"query": "python asyncio documentation"})
    assert ("【0†" in result.text) != (result.error and "DuckDuckGo" in result.text)
