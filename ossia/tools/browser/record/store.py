"""What was searched and fetched, in one SQLite file: the cache, and the recording that a replay plays."""

import asyncio
import json
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ossia.errors import InfrastructureError, UserError
from ossia.types import JsonValue

Kind = Literal["search", "fetch", "render"]

SCHEMA = 1

_TABLE = """
CREATE TABLE IF NOT EXISTS answer (
    kind TEXT NOT NULL, key TEXT NOT NULL, at REAL NOT NULL, value TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, key)) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is kept."""

    value: Mapping[str, JsonValue]
    body: bytes = b""


class Store:
    """The answers of a file by request: the last of each is kept. Several processes may use it at once."""

    def __init__(self, path: Path, *, must_exist: bool) -> None:
        self.path = path = path.expanduser()
        if must_exist and not path.is_file():
            raise UserError(f"There is no recording {path}: record the run first, with mode='record'.")

    async def get(self, kind: Kind, key: str) -> Answer | None:
        """The answer to a request. Raises `InfrastructureError` where the file cannot be read."""
        return await asyncio.to_thread(self._get, kind, key)

    async def put(self, kind: Kind, key: str, answer: Answer) -> None:
        """Keep an answer. Raises `InfrastructureError` where the file cannot be written."""
        await asyncio.to_thread(self._put, kind, key, answer)

    def _get(self, kind: Kind, key: str) -> Answer | None:
        with self._connect() as connection:
            query = "SELECT value, body FROM answer WHERE kind = ? AND key = ?"
            row = connection.execute(query, (kind, key)).fetchone()
        return None if row is None else Answer(json.loads(row[0]), zlib.decompress(row[1]))

    def _put(self, kind: Kind, key: str, answer: Answer) -> None:
        row = (kind, key, time.time(), json.dumps(answer.value, ensure_ascii=False), zlib.compress(answer.body, 6))
        with self._connect() as connection:
            connection.execute("INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?)", row)

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=60.0)
            try:
                with connection:
                    _prepare(connection)
                    yield connection
            finally:
                connection.close()
        except (sqlite3.Error, zlib.error, OSError) as error:
            raise InfrastructureError(f"The recording {self.path} cannot be used: {error}") from error


def _prepare(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == SCHEMA:
        return
    if version:
        raise sqlite3.DatabaseError(f"it is of version {version}, and this is version {SCHEMA}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(_TABLE)
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
