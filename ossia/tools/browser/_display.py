"""What the model sees of a page: a header, the range of lines in view, and the lines with their numbers."""

import re
import textwrap
from collections.abc import Sequence
from urllib.parse import unquote

from ossia.tools.browser._tokens import encode, prefix_length

WIDTH = 80
_CHUNK = 64
"""Lines that are tokenised at a time: a view of 1,024 tokens holds about 50."""
_LONG_LINE = 20_000
_LONG_WORD = re.compile(r"\S{1000}")
_QUICK = re.compile(r".{1,80}\Z|.{0,79}\s|.{80}", re.DOTALL)
"""Wraps what `textwrap`, which the reference uses, takes too long for: minified scripts, data in base64."""


def wrap(text: str) -> tuple[list[str], list[bool]]:
    """`text` in lines of at most 80 characters, spaces kept, and for each whether it continues the line before it."""
    lines: list[str] = []
    continues: list[bool] = []
    for line in text.split("\n"):
        if len(line) <= WIDTH and "\t" not in line:
            lines.append(line)
            continues.append(False)
            continue
        pieces = _wrap(line) or [""]
        lines += pieces
        continues += [False] + [True] * (len(pieces) - 1)
    return lines, continues


def _wrap(line: str) -> list[str]:
    if len(line) > _LONG_LINE or _LONG_WORD.search(line):
        return _QUICK.findall(line)
    return textwrap.wrap(line, width=WIDTH, replace_whitespace=False, drop_whitespace=False)


def view_end(lines: Sequence[str], loc: int, view_tokens: int, stop: int | None = None) -> int:
    """The line after the last in view from `loc`: as many as hold `view_tokens` numbered, rounded up to a whole line.

    Never beyond `stop`. Tokens are counted in pieces of whole lines. That is exact: no token of o200k spans from a line
    break into the `L` of the next line's number.
    """
    last = len(lines) if stop is None else min(stop, len(lines))
    tokens: list[int] = []
    shown: list[str] = []
    for start in range(loc, last, _CHUNK):
        end = min(start + _CHUNK, last)
        piece = numbered(lines[start:end], start) + ("\n" if end < len(lines) else "")
        shown.append(piece)
        tokens += encode(piece)
        if len(tokens) > view_tokens:
            text = "".join(shown)
            return min(loc + text[: prefix_length(tokens[:view_tokens])].count("\n") + 1, last)
    return last


def numbered(lines: Sequence[str], first: int) -> str:
    """`L{n}: {line}`, joined by line breaks."""
    return "\n".join(f"L{first + index}: {line}" for index, line in enumerate(lines))


def display(cursor: int, title: str, url: str, lines: Sequence[str], loc: int, end: int) -> str:
    """The whole display of lines `loc` to `end` (exclusive)."""
    shown = truncate(unquote(url))
    place = f" ({shown})" if shown else ""
    scrollbar = f"**viewing lines [{loc} - {end - 1}] of {len(lines) - 1}**"
    return f"[{cursor}] {title}{place}\n{scrollbar}\n\n{numbered(lines[loc:end], loc)}"


def truncate(text: str, limit: int = 1024) -> str:
    """`text` within `limit` characters, `...` in place of what is left out."""
    return text if len(text) <= limit else text[: limit - 3] + "..."
