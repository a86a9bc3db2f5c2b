"""What a search provider is."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ossia.tools.browser.fetch.protocol import Document
from ossia.tools.browser.search._client import ApiClient


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of a search."""

    title: str
    url: str
    snippet: str = ""
    """A few lines of plain text."""
    offset: int | None = None
    """Where in the page's text the passage that matched begins, in characters, where known."""


@runtime_checkable
class SearchProvider(Protocol):
    """Something that can be searched: a name and three methods.

    A provider is configuration: it holds no connection, may be used by any number of sessions at once, and gets its
    HTTP client with each call.
    """

    @property
    def name(self) -> str:
        """What the model calls it as `source`, such as `web`."""
        ...

    def check(self) -> None:
        """Raises `UserError`, with what to do, when it cannot work (no key, no folder, a library missing)."""
        ...

    async def search(self, query: str, count: int, client: ApiClient) -> list[Hit]:
        """At most `count` results, best first; none is an empty list. Raises `SearchError`."""
        ...

    async def fetch(self, url: str, client: ApiClient) -> Document | None:
        """A page that the provider has itself; None: the browser is to fetch it."""
        ...
