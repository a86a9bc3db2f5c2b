"""What a page is once it has become text."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Converted:
    """The text of a document and what it refers to."""

    title: str
    text: str
    """Unwrapped lines joined by newlines; links are written `【id†text】` or `【id†text†domain】`."""
    links: tuple[str, ...] = ()
    """Absolute URLs by link id."""
    anchors: Mapping[str, int] = field(default_factory=dict)
    """Offsets into `text` by the ids that a URL's fragment may name."""
    needs_script: bool = False
    """True: next to no text, but scripts, which may write it."""
    note: str | None = None
    """What the reader should know, such as that the end is missing."""
