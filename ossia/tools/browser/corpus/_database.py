"""The index of a folder: one SQLite file with the pages, their passages, and FTS5 over them."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ossia.errors import InfrastructureError
from ossia.tools.browser.corpus._passages import passages
from ossia.tools.browser.pages.protocol import Converted

SCHEMA = 1
"""Grows when the tables or the text of pages change: an index of another version is made anew."""

_TABLES = """
CREATE TABLE page (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, mtime INTEGER NOT NULL, size INTEGER NOT NULL,
    title TEXT NOT NULL, text TEXT NOT NULL, links TEXT NOT NULL, anchors TEXT NOT NULL, note TEXT);
CREATE TABLE passage (id INTEGER PRIMARY KEY, page INTEGER NOT NULL REFERENCES page, offset INTEGER NOT NULL,
    title TEXT NOT NULL, heading TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX passage_page ON passage (page);
CREATE VIRTUAL TABLE words USING fts5 (
    title, heading, body, content='passage', content_rowid='id', tokenize='porter unicode61');
"""

_RANKED = """
SELECT page.path, page.title, passage.offset, passage.body, passage.heading
FROM (SELECT rowid, rank FROM words WHERE words MATCH ? AND rank MATCH 'bm25(4.0, 3.0, 1.0)'
      ORDER BY rank LIMIT ?) AS best
JOIN passage ON passage.id = best.rowid JOIN page ON page.id = passage.page ORDER BY best.rank
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that matched."""

    path: str
    title: str
    offset: int
    body: str
    heading: str


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells whether a file has changed."""

    mtime: int
    """Nanoseconds."""
    size: int


class IndexDatabase:
    """An index file. Readers and one writer at a time may use it from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """A connection for one piece of work, committed at its end. Raises `InfrastructureError`."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=60.0)
            try:
                with connection:
                    yield connection
            finally:
                connection.close()
        except (sqlite3.Error, OSError) as error:
            raise InfrastructureError(
                f"The index {self.path} cannot be used: {error}. Delete it to build it anew."
            ) from error

    def prepare(self) -> None:
        """Make the tables, or make them anew where they are of another version."""
        with self.connect() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == SCHEMA:
                return
            names = connection.execute("SELECT name FROM sqlite_master WHERE name IN ('page', 'passage', 'words')")
            for (name,) in names.fetchall():
                connection.execute(f"DROP TABLE {name}")
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")

    def files(self) -> dict[str, FileState]:
        """The files of the index."""
        with self.connect() as connection:
            rows = connection.execute("SELECT path, mtime, size FROM page")
            return {path: FileState(mtime, size) for path, mtime, size in rows}

    def replace(self, pages: Mapping[str, tuple[FileState, Converted]], gone: list[str]) -> None:
        """Put pages in, in place of earlier ones of the same path, and take pages out."""
        with self.connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            for path in [*gone, *pages]:
                _remove(connection, path)
            for path, (state, page) in pages.items():
                _insert(connection, path, state, page)

    def search(self, expression: str, limit: int) -> list[Found]:
        """Passages that match, best first (BM25; titles count four times, headings three times)."""
        with self.connect() as connection:
            return [Found(*row) for row in connection.execute(_RANKED, (expression, limit))]

    def page(self, path: str) -> Converted | None:
        """The page of a file."""
        with self.connect() as connection:
            query = "SELECT title, text, links, anchors, note FROM page WHERE path = ?"
            row = connection.execute(query, (path,)).fetchone()
        if row is None:
            return None
        title, text, links, anchors, note = row
        return Converted(title, text, tuple(json.loads(links)), json.loads(anchors), note=note)


def _remove(connection: sqlite3.Connection, path: str) -> None:
    row = connection.execute("SELECT id FROM page WHERE path = ?", (path,)).fetchone()
    if row is None:
        return
    old = connection.execute("SELECT id, title, heading, body FROM passage WHERE page = ?", row).fetchall()
    connection.executemany("INSERT INTO words (words, rowid, title, heading, body) VALUES ('delete', ?, ?, ?, ?)", old)
    connection.execute("DELETE FROM passage WHERE page = ?", row)
    connection.execute("DELETE FROM page WHERE id = ?", row)


def _insert(connection: sqlite3.Connection, path: str, state: FileState, page: Converted) -> None:
    links, anchors = json.dumps(page.links), json.dumps(dict(page.anchors))
    values = (path, state.mtime, state.size, page.title, page.text, links, anchors, page.note)
    names = "path, mtime, size, title, text, links, anchors, note"
    cursor = connection.execute(f"INSERT INTO page ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    for passage in passages(page.text):
        row = (cursor.lastrowid, passage.offset, page.title, passage.heading, passage.text)
        sql = "INSERT INTO passage (page, offset, title, heading, body) VALUES (?, ?, ?, ?, ?)"
        rowid = connection.execute(sql, row).lastrowid
        words = (rowid, page.title, passage.heading, passage.text)
        connection.execute("INSERT INTO words (rowid, title, heading, body) VALUES (?, ?, ?, ?)", words)
