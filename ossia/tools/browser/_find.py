"""Finding text in a page."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from urllib.parse import quote

from ossia.tools.browser._page import Link, Page

MAX_MATCHES = 50
SHOWN_LINES = 4

_MARKER = re.compile(r"【\d+†([^†】]+)((?:†[^†】]+)?)】")


def find(pattern: str, page: Page) -> Page:
    """The page of matches of `pattern` in `page`: letter case and Unicode forms do not count, wrapped lines are whole.

    Each match shows four lines; the next is looked for after them. At most 50 are shown.
    """
    lines = _without_links(page.lines)
    wanted = pattern.lower()
    matches = _matches(_normal(wanted), lines, page.continues)
    blocks: list[str] = []
    links: list[Link] = []
    shown: list[int] = []
    for index, line in enumerate(matches):
        snippet = lines[line : line + SHOWN_LINES]
        blocks.append("\n".join([f"# 【{index}†match at L{line}】", *snippet]))
        shown += [line, *range(line, line + len(snippet)), line + len(snippet) - 1]
        links.append(Link(page.url, line=line - 4 if line > 4 else line))
        if len(blocks) == MAX_MATCHES:
            break
    return Page(
        url=f"{page.url}/find?pattern={quote(wanted)}",
        title=f"Find results for text: `{wanted}` in `{page.title}`",
        text="\n\n".join(blocks) or f"No `find` results for pattern: `{wanted}`",
        links=tuple(links),
        kind="find",
        of=page,
        of_lines=tuple(shown),
    )


def _without_links(lines: Sequence[str]) -> list[str]:
    """The lines with links shown as their text; a link that was wrapped keeps its lines apart."""

    def text(match: re.Match[str]) -> str:
        return match[1] + "\n" * match[2].count("\n")

    return _MARKER.sub(text, "\n".join(lines)).split("\n")


def _matches(pattern: str, lines: Sequence[str], continues: Sequence[bool]) -> Iterator[int]:
    """Numbers of the lines in which matches begin, at least four apart."""
    start, free = 0, 0
    while start < len(lines):
        stop = start + 1
        while stop < len(lines) and continues[stop]:
            stop += 1
        parts = [_normal(line) for line in lines[start:stop]]
        ends = list(accumulate(map(len, parts)))
        whole = "".join(parts)
        at = whole.find(pattern)
        while at >= 0:
            line = start + bisect_right(ends, at)
            if line >= free:
                yield line
                free = line + SHOWN_LINES
            # What begins within the lines just shown is passed over.
            following = max(at + 1, ends[min(free, stop) - start - 1] if free > start else 0)
            at = whole.find(pattern, following)
        start = stop


def _normal(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower()
