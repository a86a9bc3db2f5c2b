"""Citations: `【cursor†L9-L11】` in an answer becomes the address, the title and the lines that it points at."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ossia.tools.browser._page import Page
from ossia.tools.browser._web import VIEW_SOURCE
from ossia.tools.browser.pages._links import domain

Style = Literal["markdown", "raw", "strip"]
"""What stands in the text for a citation: ` ([domain](url)) ` as in the reference, the marker as it was, or nothing."""

_MARKER = re.compile(r"【(?P<number>\d+)†(?P<content>[^†】]+)(?:†[^†】]*)?】")
_LINES = re.compile(r"\s*L?(\d+)\s*(?:[-–]\s*L?(\d+))?\s*\Z")
_LINK = re.compile(r"【(\d+)†([^†】]*)(?:†[^†】]*)?】")
_LONGEST_MARKER = 300
"""Characters after which an unclosed marker is taken for ordinary text."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A citation that was resolved."""

    start: int
    """Where it stands in the text that is shown, in code points; `end` exclusive."""
    end: int
    marker: str
    """As the model wrote it."""
    cursor: int | None
    """The page cited; None where the model cited a link of a page instead."""
    url: str
    title: str
    lines: tuple[int, int] | None
    """First and last line cited of the page at `url`; None where no lines were given."""
    quote: str = ""
    """The text of those lines."""

    def annotation(self) -> dict[str, str | int]:
        """As an annotation of OpenAI's Responses API."""
        return {
            "type": "url_citation",
            "start_index": self.start,
            "end_index": self.end,
            "url": self.url,
            "title": self.title,
        }


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A citation of something that was not opened, left in the text as it was."""

    start: int
    marker: str
    reason: str


@dataclass(frozen=True, slots=True)
class CitedText:
    """An answer with its citations."""

    text: str
    citations: tuple[Citation, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()


def cite(text: str, pages: Sequence[Page], style: Style = "markdown") -> CitedText:
    """Resolve every citation in `text` against the pages of a session, given by cursor."""
    stream = CitationStream(pages, style)
    first = stream.feed(text)
    last = stream.finish()
    return CitedText(first.text + last.text, first.citations + last.citations, first.unresolved + last.unresolved)


class CitationStream:
    """Resolves citations in text that comes in pieces; an unfinished marker is held back until it is whole."""

    def __init__(self, pages: Sequence[Page], style: Style = "markdown") -> None:
        self._pages = pages
        self._style = style
        self._held = ""
        self._size = 0

    def feed(self, text: str) -> CitedText:
        """What can be shown now. Positions count from the beginning of the whole text."""
        text = self._held + text
        opened = text.rfind("【")
        if opened < 0 or "】" in text[opened:] or len(text) - opened > _LONGEST_MARKER:
            opened = len(text)
        self._held = text[opened:]
        return self._resolve(text[:opened])

    def finish(self) -> CitedText:
        """What was held back: the text has ended, so it is no marker."""
        rest, self._held = self._held, ""
        return self._resolve(rest)

    def _resolve(self, text: str) -> CitedText:
        parts: list[str] = []
        citations: list[Citation] = []
        unresolved: list[Unresolved] = []
        done = 0
        for match in _MARKER.finditer(text):
            self._add(parts, text[done : match.start()])
            done = match.end()
            try:
                cursor, page_url, title, lines, quote = self._target(match)
            except LookupError as error:
                unresolved.append(Unresolved(self._size, match[0], str(error.args[0])))
                self._add(parts, match[0])
                continue
            start = self._size
            self._add(parts, self._shown(match[0], page_url))
            citations.append(Citation(start, self._size, match[0], cursor, page_url, title, lines, quote))
        self._add(parts, text[done:])
        return CitedText("".join(parts), tuple(citations), tuple(unresolved))

    def _add(self, parts: list[str], text: str) -> None:
        parts.append(text)
        self._size += len(text)

    def _shown(self, marker: str, url: str) -> str:
        if self._style == "raw":
            return marker
        return f" ([{domain(url)}]({url})) " if self._style == "markdown" else ""

    def _target(self, match: re.Match[str]) -> tuple[int | None, str, str, tuple[int, int] | None, str]:
        """Cursor, address, title, lines and quote of a marker. Raises `LookupError` with the reason."""
        number, content = int(match["number"][:9]), match["content"]
        lines = _LINES.match(content)
        if lines is None and (link := self._link(number, content)) is not None:
            return None, *link, None, ""
        if number >= len(self._pages):
            raise LookupError(f"there is no cursor {number}")
        page = self._pages[number]
        if lines is None:
            return number, _address(page), page.title, None, ""
        first, last = sorted((int(lines[1][:9]), int((lines[2] or lines[1])[:9])))
        if first >= len(page.lines):
            raise LookupError(f"cursor {number} has no line {first}")
        return number, *_lines(page, first, min(last, len(page.lines) - 1))

    def _link(self, number: int, text: str) -> tuple[str, str] | None:
        """Address and text of the newest link with that id and that text."""
        for page in reversed(self._pages):
            if number < len(page.links) and f"【{number}†{text}" in page.text:
                return page.links[number].url, text
        return None


def _address(page: Page) -> str:
    if page.of is not None:
        page = page.of
    if not page.url:
        raise LookupError("it cites search results, not a page")
    return page.url.removeprefix(VIEW_SOURCE)


def _lines(page: Page, first: int, last: int) -> tuple[str, str, tuple[int, int] | None, str]:
    """Address, title, lines and quote of lines of a page: of the page behind them, where it shows another."""
    if page.kind == "search":
        return _hit(page, first, last)
    if page.kind == "find" and page.of is not None:
        shown = page.of_lines[first : last + 1] or (0,)
        page, first, last = page.of, min(shown), max(shown)
    quote = _LINK.sub(r"\2", "\n".join(page.lines[first : last + 1]))
    return _address(page), page.title, (first, last), quote


def _hit(page: Page, first: int, last: int) -> tuple[str, str, None, str]:
    """The search result that the lines show, or that they go on with."""
    text = "\n".join(page.lines[first : last + 1])
    match = _LINK.search(text)
    above = first
    while match is None and above > 0:
        above -= 1
        found = list(_LINK.finditer("\n".join(page.lines[above : last + 1])))
        match = found[0] if found else None
    if match is None or int(match[1]) >= len(page.links):
        raise LookupError("it cites search results, not a page")
    return page.links[int(match[1])].url, " ".join(match[2].split()), None, _LINK.sub(r"\2", text)
