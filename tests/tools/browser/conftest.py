"""Folders and tools that the browser's tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ossia.testing import OpenedTool, opened
from ossia.tools.browser import Browser, Corpus
from ossia.tools.browser.search import ApiClient

CATS = """<html><head><title>Cat</title></head><body>
<h1>Cat</h1>
<p>The cat (<i>Felis catus</i>) is a <a href="mammal.html">mammal</a>, see
<a href="https://other.org/cats">Other site</a>.
<p>Cats purr.</p>
</body></html>"""
MAMMAL = "<title>Mammal</title><h1>Mammal</h1>" + "".join(
    f'<h2 id="s{n}">Section {n}</h2><p>Paragraph number {n} about mammals and what they eat in winter and summer.</p>'
    for n in range(120)
)


@pytest.fixture
def docs(tmp_path: Path) -> Corpus:
    """Two small pages, a Markdown file and a text file."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "cat.html").write_text(CATS)
    (folder / "mammal.html").write_text(MAMMAL)
    (folder / "dog.md").write_text("# Dog\n\nThe dog barks at the [cat](cat.html).\n")
    (folder / "notes.txt").write_text("line one\n\ttabbed line\n")
    return Corpus(folder, index=tmp_path / "index.sqlite3")


@pytest.fixture
async def browser(docs: Corpus) -> AsyncIterator[OpenedTool]:
    async with opened(Browser(corpus=docs)) as tool:
        yield tool


@pytest.fixture
async def client() -> AsyncIterator[ApiClient]:
    client = ApiClient(timeout=5)
    yield client
    await client.aclose()
