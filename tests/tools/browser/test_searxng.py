"""SearXNG, tested against a real searx on loopback."""

import importlib.util
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ossia.errors import UserError
from ossia.testing import opened
from ossia.testing.web import LocalWeb, WebPage, local_web
from ossia.tools.browser import Browser, SearchError, SearXNG
from ossia.tools.browser.search import ApiClient
from tests.tools.browser.searx import searx

INSTALLED = Path("/usr/lib/python3/dist-packages/searx").is_dir()
needs_searx = pytest.mark.skipif(not INSTALLED, reason="apt-get install python3-searx")

ITEMS = [
    {"url": "https://cats.example/1", "title": "First &amp; best", "text": "About <b>cats</b>"},
    {"url": "https://cats.example/2", "title": "Second", "text": ""},
    {"url": "https://blocked.example/3", "title": "Third", "text": "x"},
]


@dataclass
class Searx:
    url: str
    engine: LocalWeb


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Searx]:
    answer = WebPage(json.dumps({"items": ITEMS}), content_type="application/json")
    async with local_web({"/engine": answer}) as engine, searx(tmp_path, engine.url("")) as url:
        yield Searx(url, engine)


@needs_searx
async def test_results_come_from_a_real_searx(server: Searx) -> None:
    browser = Browser(search=f"searxng:{server.url}", block=("blocked.example",), javascript="never")
    async with opened(browser) as tool:
        shown = await tool.call("browser.search", {"query": "cats & dogs"})
    assert shown.split("\n")[-2:] == [
        "L4:   * 【0†First & best†cats.example】 About cats",
        "L5:   * 【1†Second†cats.example】",
    ]
    assert server.engine.requests == ["GET /engine?q=cats+%26+dogs"]


@needs_searx
async def test_nothing_found_and_an_engine_that_refuses_are_told_apart(server: Searx, client: ApiClient) -> None:
    provider = SearXNG(server.url)
    server.engine.pages["/engine"] = WebPage('{"items": []}', content_type="application/json")
    assert await provider.search("nothing", 10, client) == []
    server.engine.pages["/engine"] = WebPage("no", status=429)
    with pytest.raises(SearchError, match="its engines do not answer") as raised:
        await provider.search("refused", 10, client)
    assert raised.value.failure in ("rate_limited", "unavailable")


async def test_a_server_that_does_not_allow_json_is_told_by_name(client: ApiClient) -> None:
    async with local_web({"/search": WebPage("Forbidden", status=403)}) as site:
        with pytest.raises(SearchError, match=r"`json` under `search\.formats`") as raised:
            await SearXNG(site.url("")).search("x", 5, client)
    assert raised.value.failure == "blocked"


async def test_a_server_that_is_not_there_is_unavailable(client: ApiClient) -> None:
    with pytest.raises(SearchError, match="cannot be reached") as raised:
        await SearXNG("http://127.0.0.1:1").search("x", 5, client)
    assert raised.value.failure == "unavailable"


def test_an_address_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(UserError, match="no address of a SearXNG server"):
        SearXNG("localhost").check()
    assert importlib.util.find_spec("searx") is None  # it is run as a program of its own, and never imported
