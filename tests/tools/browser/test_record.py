"""A run's web traffic in one file: replayed without network, and the same each time."""

import sqlite3
from pathlib import Path

import pytest

from ossia.errors import InfrastructureError, UserError
from ossia.testing import OpenedTool, opened
from ossia.testing.web import WebPage, local_web
from ossia.tools.browser import Browser, DuckDuckGo
from tests.tools.browser.test_search import DDG_PAGE

CALLS: list[tuple[str, dict[str, str | int]]] = [
    ("browser.search", {"query": "cats"}),
    ("browser.open", {"id": 0}),
    ("browser.open", {"id": 0}),
    ("browser.find", {"pattern": "deep"}),
    ("browser.open", {"id": "http://127.0.0.1:1/"}),
    ("browser.search", {"query": "nothing else"}),
]


async def answers(tool: OpenedTool) -> list[str]:
    return [await tool.call(recipient, arguments) for recipient, arguments in CALLS]


async def test_a_replay_gives_what_was_recorded_and_reaches_nothing(tmp_path: Path) -> None:
    file = tmp_path / "run.sqlite3"
    async with local_web({}) as site:
        site.pages |= {
            "/": DDG_PAGE.replace("https://cats.example/", site.url("/cats")),
            "/cats": "<title>Cats</title><a href='/deep'>deep</a>",
            "/deep": WebPage("<p>the deep", status=404),
        }
        search = DuckDuckGo(endpoint=site.url())
        live = Browser(search=search, private=(site.netloc,), javascript="never", record=file, recording="record")
        async with opened(live) as tool:
            recorded = await answers(tool)
        count = len(site.requests)
    assert count == 4
    assert "[HTTP status 404]" in recorded[2]
    replay = Browser(search=search, record=file, recording="replay")
    for _ in range(2):
        async with opened(replay) as tool:
            assert await answers(tool) == recorded


async def test_what_was_not_recorded_is_refused_in_a_replay(tmp_path: Path) -> None:
    file = tmp_path / "run.sqlite3"
    async with local_web({"/": DDG_PAGE}) as site:
        search = DuckDuckGo(endpoint=site.url())
        async with opened(Browser(search=search, record=file, javascript="never")) as tool:
            await tool.call("browser.search", {"query": "cats"})
        async with opened(Browser(search=search, record=file, recording="replay", private=(site.netloc,))) as tool:
            text = "it is not in the recording"
            assert await tool.call("browser.search", {"query": "dogs"}) == f"Error during search for `dogs`: {text}"
            assert text in await tool.call("browser.open", {"id": site.url()})
        assert len(site.requests) == 1


async def test_what_is_in_the_cache_is_not_asked_for_again_but_errors_are(tmp_path: Path) -> None:
    async with local_web({"/": WebPage("busy", status=403), "/page": "<p>old"}) as site:
        search = DuckDuckGo(endpoint=site.url())
        browser = Browser(search=search, private=(site.netloc,), record=tmp_path / "c.sqlite3", javascript="never")
        async with opened(browser) as tool:
            assert "refuses to answer" in await tool.call("browser.search", {"query": "cats"})
            assert "old" in await tool.call("browser.open", {"id": site.url("/page")})
        site.pages |= {"/": DDG_PAGE, "/page": "<p>new"}
        async with opened(browser) as tool:
            assert "Cats purr" in await tool.call("browser.search", {"query": "cats"})
            assert "old" in await tool.call("browser.open", {"id": site.url("/page")})
            assert "Cats purr" in await tool.call("browser.search", {"query": " cats "})
        assert [request.split()[0] for request in site.requests] == ["POST", "GET", "POST"]


async def test_a_replay_needs_no_key_but_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXA_API_KEY", raising=False)
    with pytest.raises(UserError, match="There is no recording"):
        async with opened(Browser(search="exa", record=tmp_path / "none", recording="replay")):
            pass
    with pytest.raises(UserError, match="needs a file"):
        Browser(recording="replay")
    async with opened(Browser(record=tmp_path / "run.sqlite3", javascript="never")) as tool:
        await tool.call("browser.open", {"id": "http://127.0.0.1:1/"})
    async with opened(Browser(search="exa", record=tmp_path / "run.sqlite3", recording="replay")) as tool:
        assert "port 1 of" in await tool.call("browser.open", {"id": "http://127.0.0.1:1/"})


async def test_a_recording_of_another_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "run.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    async with opened(Browser(record=file, javascript="never")) as tool:
        with pytest.raises(InfrastructureError, match="it is of version 99"):
            await tool.call("browser.open", {"id": "http://127.0.0.1:1/"})
