"""The lines of a passage that a search result shows."""

import re

from ossia.tools.browser.corpus._query import words_of

SNIPPET_CHARS = 240

_HEADING = re.compile(r"^ *#{1,6} +.*$", re.MULTILINE)
_BULLET = re.compile(r"^(?: *(?:\*|\d+\.) )+ *", re.MULTILINE)


def snippet(text: str, query: str) -> str:
    """The stretch of `text` that holds most words of `query`, in one line of at most about 240 characters."""
    body = _HEADING.sub("", text)
    if not body.strip():
        body = text.lstrip("# ")
    flat = " ".join(_BULLET.sub("", body).replace("¶", "").split())
    if len(flat) <= SNIPPET_CHARS:
        return flat
    low = flat.lower()
    words = words_of(query)
    at = max(_candidates(low, words), key=lambda start: _score(low[start : start + SNIPPET_CHARS], words), default=0)
    start = flat.rfind(" ", 0, at) + 1 if at else 0
    end = start + SNIPPET_CHARS
    if end < len(flat):
        end = max(flat.rfind(" ", start, end), start + SNIPPET_CHARS // 2)
    return ("..." if start else "") + flat[start:end].strip() + ("..." if end < len(flat) else "")


def _candidates(text: str, words: list[str]) -> list[int]:
    """Where a snippet could begin: a little before each first and second place of a word."""
    starts = {0}
    for word in words:
        at = -1
        for _ in range(2):
            at = text.find(word, at + 1)
            if at < 0:
                break
            starts.add(max(0, at - 40))
    return sorted(starts)


def _score(window: str, words: list[str]) -> int:
    return sum(word in window for word in words)
