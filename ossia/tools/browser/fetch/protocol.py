"""What was fetched."""

from dataclasses import dataclass
from typing import Protocol

from ossia.tools.browser.pages.protocol import Converted


class FetchError(Exception):
    """A page that could not be had; its text is for the model."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it came, before it becomes a page."""

    url: str
    """Where it was found in the end, after redirects."""
    body: bytes
    """Decompressed, and no longer than the limit."""
    media_type: str = ""
    """In lower case and without parameters, such as `text/html`; empty: not given."""
    charset: str | None = None
    status: int = 200
    via: str = "http"
    """What fetched it: `http`, `chromium`, or a provider's name."""
    note: str | None = None
    """What the reader should know, such as that the end is missing."""
    title: str | None = None
    """A title that came beside the document."""
    converted: Converted | None = None
    """The page, where whoever had the document had made it already."""


class Fetcher(Protocol):
    """Gets documents for one session."""

    async def fetch(self, url: str) -> Document:
        """The document at `url`. Raises `FetchError`."""
        ...

    async def render(self, url: str) -> Document | None:
        """The document after its scripts have run; None: that is not to be done. Raises `FetchError`."""
        ...
