"""A page as far as a display shows it: all that is left of a page that cannot be had again."""

import re

from ossia.tools.browser._page import Page

_DISPLAY = re.compile(
    r"\A\[\d+\] (?P<title>.*?)(?: \((?P<url>\S+)\))?\n"
    r"\*\*viewing lines \[(?P<first>\d+) - \d+\] of (?P<last>\d+)\*\*\n\n(?P<body>.*)\Z",
    re.DOTALL,
)
_NUMBER = re.compile(r"^L\d+: ?", re.MULTILINE)


def is_display(text: str) -> bool:
    """True for what a call showed that took a cursor."""
    return _DISPLAY.match(text) is not None


def shown_page(text: str) -> Page:
    """The page that `text`, a display, shows a part of: its lines in their places, blanks for the rest, no links."""
    match = _DISPLAY.match(text)
    assert match is not None
    first, last = int(match["first"]), int(match["last"])
    lines = [""] * first + _NUMBER.sub("", match["body"]).split("\n")
    lines += [""] * (last + 1 - len(lines))
    return Page(match["url"] or "", match["title"], "\n".join(lines), partial=True)
