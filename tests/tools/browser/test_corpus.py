"""A folder as a search provider: found, opened, kept up to date."""

import os
import sqlite3
from pathlib import Path

import pytest

from ossia.errors import InfrastructureError, UserError
from ossia.testing import OpenedTool, opened
from ossia.tools.browser import Browser, Corpus
from ossia.tools.browser.corpus._passages import PASSAGE_CHARS, passages
from ossia.tools.browser.corpus._query import match_expression
from ossia.tools.browser.pages import Converter
from ossia.tools.browser.search import ApiClient


async def found(corpus: Corpus, query: str) -> list[str]:
    return [hit.url.rpartition("/")[2] for hit in await corpus.search(query, 10, ApiClient())]


async def update(corpus: Corpus) -> int:
    async with Converter() as converter:
        return await corpus.update(converter)


async def test_a_folder_given_by_its_path_is_searched(docs: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path(docs.folder).parent / "cache"))
    async with opened(Browser(corpus=docs.folder)) as tool:
        assert "【0†Dog†docs】" in await tool.call("browser.search", {"query": "who barks?"})
    assert len(list((Path(docs.folder).parent / "cache" / "ossia" / "corpus").glob("docs-*.sqlite3"))) == 1


async def test_only_what_changed_is_read_again(docs: Corpus) -> None:
    folder = Path(docs.folder)
    assert await update(docs) == 4
    assert await update(docs) == 0
    (folder / "dog.md").write_text("# Dog\n\nThe dog howls.\n")
    (folder / "cow.md").write_text("# Cow\n\nThe cow moos.\n")
    (folder / "cat.html").unlink()
    assert await update(docs) == 2
    assert await found(docs, "barks") == []
    assert await found(docs, "howls") == ["dog.md"]
    assert await found(docs, "moos") == ["cow.md"]
    assert await found(docs, "purr") == []


async def test_an_index_of_another_version_is_made_anew(docs: Corpus) -> None:
    await update(docs)
    with sqlite3.connect(str(docs.index)) as connection:
        connection.execute("PRAGMA user_version = 999")
    assert await update(docs) == 4
    assert await found(docs, "purr") == ["cat.html"]


async def test_a_file_that_is_no_index_is_refused_by_name(docs: Corpus) -> None:
    Path(str(docs.index)).write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(InfrastructureError, match=r"index\.sqlite3 cannot be used"):
        await update(docs)


async def test_a_long_page_opens_where_its_passage_matched(browser: OpenedTool) -> None:
    await browser.call("browser.search", {"query": "paragraph number 93"})
    shown = await browser.call("browser.open", {"id": 0})
    first = int(shown.split("viewing lines [")[1].split(" ")[0])
    assert first > 300
    assert "Paragraph number 93 about" in shown


async def test_a_fragment_opens_the_page_at_its_anchor(browser: OpenedTool) -> None:
    shown = await browser.call("browser.open", {"id": "mammal.html#s50"})
    assert shown.split("\n")[3 + 4].endswith(": ## Section 50")
    assert shown.startswith("[0] Mammal (corpus://docs/mammal.html)")


async def test_links_between_documents_lead_on(browser: OpenedTool) -> None:
    await browser.call("browser.open", {"id": "corpus://docs/dog.md"})
    assert (await browser.call("browser.open", {"id": 0})).startswith("[1] Cat (corpus://docs/cat.html)")


async def test_documents_can_have_the_addresses_that_they_have_on_the_web(docs: Corpus) -> None:
    corpus = Corpus(docs.folder, base_url="https://pets.example/wiki", index=docs.index)
    async with opened(Browser(corpus=corpus)) as tool:
        assert "†pets.example】" in await tool.call("browser.search", {"query": "purr"})
        assert (await tool.call("browser.open", {"id": 0})).startswith("[1] Cat (https://pets.example/wiki/cat.html)")
        assert (await tool.call("browser.open", {"id": 0})).startswith("[2] Mammal (https://pets.example/wiki/mam")


async def test_excluded_and_hidden_files_are_not_there(docs: Corpus) -> None:
    folder = Path(docs.folder)
    (folder / ".git").mkdir()
    (folder / ".git" / "x.md").write_text("barks")
    (folder / "picture.png").write_bytes(b"barks")
    corpus = Corpus(folder, exclude=("dog*",), index=folder.parent / "other.sqlite3")
    await update(corpus)
    assert await found(corpus, "barks") == []


async def test_no_path_leads_out_of_the_folder(browser: OpenedTool, docs: Corpus) -> None:
    (Path(docs.folder).parent / "secret.txt").write_text("secret")
    for url in ("corpus://docs/../secret.txt", "corpus://docs/%2e%2e/secret.txt", "../secret.txt"):
        assert "secret" not in (await browser.call("browser.open", {"id": url})).replace("secret.txt", "")


async def test_a_document_that_cannot_be_shown_says_so(docs: Corpus) -> None:
    (Path(docs.folder) / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    async with opened(Browser(corpus=docs)) as tool:
        assert "This document cannot be shown: the PDF cannot be read" in await tool.call(
            "browser.open", {"id": "bad.pdf"}
        )


@pytest.mark.parametrize(
    "query", ['"', "a AND b NOT", "NEAR(x", "col:x", "*", "(", "x\0y", "'; DROP TABLE page;--", "日本"]
)
async def test_no_query_is_a_mistake(browser: OpenedTool, query: str) -> None:
    result = await browser.result("browser.search", {"query": query})
    assert not result.error


def test_a_query_of_stop_words_is_still_a_query() -> None:
    assert match_expression("who is it") == '"who" OR "is" OR "it"'
    assert match_expression("the cat's os.path") == '"cat" OR "s" OR "os" OR "path" OR "os path"'
    assert match_expression("?!") is None


def test_passages_are_short_and_say_where_they_begin() -> None:
    text = "intro\n\n# One\n\n" + "word " * 900 + "\n\n## Two\n\nend 【3†link†o.org】"
    found = list(passages(text))
    assert max(len(passage.text) for passage in found) <= PASSAGE_CHARS
    assert [passage.heading for passage in found] == ["", *["One"] * (len(found) - 2), "Two"]
    assert all(text[passage.offset :].startswith(passage.text[:10]) for passage in found[:-1])
    assert found[-1].text == "## Two\n\nend link"


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder"):
        Corpus(tmp_path / "none").check()
    os.makedirs(tmp_path / "empty")
    with pytest.raises(UserError, match="holds no documents"):
        Corpus(tmp_path / "empty").check()
