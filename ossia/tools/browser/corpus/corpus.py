"""A folder of documents as a search provider: no network, one index file, the same answer every time."""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from ossia.errors import UserError
from ossia.tools.browser.corpus._database import FileState, IndexDatabase
from ossia.tools.browser.corpus._query import match_expression
from ossia.tools.browser.corpus._snippet import snippet
from ossia.tools.browser.fetch.protocol import Document, FetchError
from ossia.tools.browser.pages import ConversionError, Converted, Converter
from ossia.tools.browser.pages._media import media_type_of
from ossia.tools.browser.search._client import ApiClient
from ossia.tools.browser.search.protocol import Hit

SUFFIXES = (".html", ".htm", ".xhtml", ".md", ".markdown", ".txt", ".rst", ".pdf", ".json")
_BATCH = 50
"""Files that are put into the index at a time: what an interrupted build has to do again."""
_PASSAGES_A_PAGE = 6
"""Passages asked for a result wanted, since several of the best may lie in one page."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder of HTML, Markdown, text, JSON and PDF files, indexed with SQLite FTS5.

    The index is brought up to date when a session opens: only files whose time or size changed are read again.
    """

    folder: str | Path
    base_url: str | None = None
    """The address that the files have on the web, such as `https://docs.python.org/3/`; None: `corpus://FOLDER/`."""
    name: str = "corpus"
    """What the model calls it as `source`."""
    exclude: tuple[str, ...] = ()
    """Patterns (`genindex*`, `drafts/*`) of paths below the folder that are left out."""
    index: str | Path | None = None
    """The index file; None: one below `$XDG_CACHE_HOME/ossia/corpus`, named after the folder."""
    max_file: int = 32 << 20
    """Bytes of the largest file that is read."""
    _root: Path = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_root", Path(self.folder).expanduser().resolve())
        if self.base_url is not None and not urlsplit(self.base_url).netloc:
            raise UserError(
                f"Corpus(base_url={self.base_url!r}): give an absolute URL, such as https://example.org/docs/."
            )

    def check(self) -> None:
        if not self._root.is_dir():
            raise UserError(f"The corpus {str(self.folder)!r} is no folder: give the path of a folder of documents.")
        if next(self._files(), None) is None:
            raise UserError(f"The corpus {str(self.folder)!r} holds no documents ({', '.join(SUFFIXES)}).")

    async def search(self, query: str, count: int, client: ApiClient) -> list[Hit]:
        """The pages whose passages match best."""
        del client
        expression = match_expression(query)
        if expression is None:
            return []
        found = await asyncio.to_thread(self._database.search, expression, count * _PASSAGES_A_PAGE)
        hits: dict[str, Hit] = {}
        for passage in found:
            if passage.path not in hits and len(hits) < count:
                text = snippet(passage.body, query)
                hits[passage.path] = Hit(passage.title, self.url_of(passage.path), text, passage.offset)
        return list(hits.values())

    async def fetch(self, url: str, client: ApiClient) -> Document | None:
        """The page of a file, from the index; None: `url` lies elsewhere. Raises `FetchError`."""
        del client
        path = self.path_of(url)
        if path is None:
            return None
        page = await asyncio.to_thread(self._database.page, path)
        if page is None:
            if self.base_url is not None:
                return None  # it may be on the web all the same
            raise FetchError(f"there is no such document in {self.name}")
        body = await asyncio.to_thread(self._body, path)
        return Document(self.url_of(path), body, media_type_of(path), via=self.name, converted=page)

    def url_of(self, path: str) -> str:
        """The address of a file, given by its path below the folder."""
        return self._base + quote(path)

    def path_of(self, url: str) -> str | None:
        """The path below the folder that `url` names; None: it lies elsewhere."""
        bare = url.partition("#")[0].partition("?")[0]
        if not bare.startswith(self._base):
            return None
        path = unquote(bare[len(self._base) :])
        return path + "index.html" if not path or path.endswith("/") else path

    def holds(self, path: str) -> bool:
        """True when the folder has a document of that path."""
        file = (self._root / path.lstrip("/")).resolve()
        return file.is_relative_to(self._root) and file.suffix.lower() in SUFFIXES and file.is_file()

    async def update(self, converter: Converter) -> int:
        """Bring the index up to date; how many files were read."""
        await asyncio.to_thread(self._database.prepare)
        known = await asyncio.to_thread(self._database.files)
        present = await asyncio.to_thread(lambda: dict(self._files()))
        gone = [path for path in known if path not in present]
        changed = [path for path, state in present.items() if known.get(path) != state]
        for start in range(0, max(len(changed), 1 if gone else 0), _BATCH):
            batch = changed[start : start + _BATCH]
            pages = await asyncio.gather(*(self._convert(path, converter) for path in batch))
            ready = {path: (present[path], page) for path, page in zip(batch, pages, strict=True)}
            await asyncio.to_thread(self._database.replace, ready, gone)
            gone = []
        return len(changed)

    async def _convert(self, path: str, converter: Converter) -> Converted:
        body = await asyncio.to_thread(self._body, path)
        try:
            page, _ = await converter.convert(body, self.url_of(path), media_type_of(path))
        except ConversionError as error:
            # It stays in the index, so that it is not read again each time, and says what is wrong with it.
            return Converted(title=path, text=f"This document cannot be shown: {error}.")
        return page

    def _files(self) -> Iterator[tuple[str, FileState]]:
        for folder, names, files in os.walk(self._root):
            names[:] = sorted(name for name in names if not name.startswith("."))
            for name in sorted(files):
                file = Path(folder) / name
                path = file.relative_to(self._root).as_posix()
                if file.suffix.lower() not in SUFFIXES or any(fnmatch(path, pattern) for pattern in self.exclude):
                    continue
                status = file.stat()
                if status.st_size <= self.max_file:
                    yield path, FileState(status.st_mtime_ns, status.st_size)

    def _body(self, path: str) -> bytes:
        try:
            return (self._root / path).read_bytes()
        except OSError:  # gone since it was indexed: its page is still known
            return b""

    @property
    def _base(self) -> str:
        if self.base_url is not None:
            return self.base_url.rstrip("/") + "/"
        return f"corpus://{quote(self._root.name) or 'root'}/"

    @property
    def _database(self) -> IndexDatabase:
        if self.index is not None:
            return IndexDatabase(Path(self.index).expanduser())
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        key = hashlib.sha256(f"{self._root}\0{self._base}\0{self.exclude}".encode()).hexdigest()[:16]
        return IndexDatabase(cache / "ossia" / "corpus" / f"{self._root.name or 'root'}-{key}.sqlite3")
