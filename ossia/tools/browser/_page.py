"""Pages as the model opened them. Each is immutable, so that a cursor, and a citation of it, keeps its meaning."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Literal

from ossia.tools.browser._arguments import UsageError
from ossia.tools.browser._display import display, view_end, wrap

Kind = Literal["page", "search", "find", "source"]


@dataclass(frozen=True)
class Link:
    """Where a link of a page leads."""

    url: str
    offset: int | None = None
    """The passage to open it at, in characters of that page's text, where known."""
    line: int | None = None
    """The same as a line of that page, where known."""


@dataclass(frozen=True)
class Page:
    """One page, whole: what a cursor stands for."""

    url: str
    """Empty for a page of search results."""
    title: str
    text: str
    links: tuple[Link, ...] = ()
    kind: Kind = "page"
    anchors: Mapping[str, int] = field(default_factory=dict)
    """Offsets into `text` by the names that a URL's fragment may give."""
    source: str | None = None
    """The document as it was fetched, for `view_source`."""
    start: int = 0
    """Where the document's own text begins, after the lines that say where it came from."""
    partial: bool = False
    """True: only lines that were shown are known, and no links."""
    of: "Page | None" = None
    """The page that a page of `find` results, or a page's source, belongs to."""
    of_lines: tuple[int, ...] = ()
    """For each line of a page of `find` results, the line of `of` that it shows."""

    @cached_property
    def _wrapped(self) -> tuple[list[str], list[bool]]:
        return wrap(self.text)

    @property
    def lines(self) -> Sequence[str]:
        """The text in the lines that the model sees."""
        return self._wrapped[0]

    @property
    def continues(self) -> Sequence[bool]:
        """For each line, whether it continues the line of text before it."""
        return self._wrapped[1]

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins in the text; nearly so after tabs, which are shown as spaces."""
        lines, continues = self._wrapped
        following = (*continues[1:], False)
        sizes = (len(line) + (not joined) for line, joined in zip(lines, following, strict=True))
        return list(accumulate(sizes, initial=0))

    def line_at(self, offset: int) -> int:
        """The line that holds the character at `offset`, or the next that is not blank."""
        line = max(0, min(bisect_right(self._starts, offset) - 1, len(self.lines) - 1))
        while line < len(self.lines) - 1 and not self.lines[line].strip():
            line += 1
        return line

    def view(self, cursor: int, loc: int, num_lines: int, view_tokens: int, max_tokens: int) -> tuple[str, int]:
        """The display from line `loc`, and the line after its last.

        Raises `UsageError` where `loc` lies beyond the page.
        """
        lines = self.lines
        if loc >= len(lines):
            raise UsageError(f"Invalid location parameter: `{loc}`. Cannot exceed page maximum of {len(lines) - 1}.")
        end = view_end(lines, loc, max_tokens, loc + num_lines) if num_lines > 0 else view_end(lines, loc, view_tokens)
        return display(cursor, self.title, self.url, lines, loc, end), end


@dataclass
class Cursors:
    """The pages of one session by cursor."""

    pages: list[Page] = field(default_factory=list)

    def at(self, cursor: int) -> Page:
        """The page at `cursor`, the newest for -1. Raises `UsageError`."""
        if not self.pages:
            raise UsageError("No pages to access!")
        if cursor == -1:
            return self.pages[-1]
        if not 0 <= cursor < len(self.pages):
            available = f"Available cursor indices: [0 - {len(self.pages) - 1}]."
            raise UsageError(f"Cursor `{cursor}` is out of range. {available}")
        return self.pages[cursor]

    @property
    def next(self) -> int:
        """The cursor that the next page gets."""
        return len(self.pages)
