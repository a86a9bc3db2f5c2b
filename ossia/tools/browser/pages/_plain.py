"""Documents that are text already: plain text, JSON, Markdown."""

import json
import re

from ossia.tools.browser.pages._links import Links
from ossia.tools.browser.pages._writer import clean, drop_controls
from ossia.tools.browser.pages.protocol import Converted

_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_LINK = re.compile(r"!?\[([^\[\]\n]+)\]\(\s*<?([^\s()<>]+(?:\([^\s()]*\)[^\s()<>]*)?)>?(?:\s+[\"'][^\n]*?[\"'])?\s*\)")
_AUTOLINK = re.compile(r"<(https?://[^\s<>]+)>")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$")
_TITLE_SEARCHED = 50


def convert_text(source: str, title: str) -> Converted:
    """Plain text, line by line as it is."""
    return Converted(title=title, text=_lines(source))


def convert_json(source: str, title: str) -> Converted:
    """JSON, indented; as it is where it cannot be read."""
    try:
        source = json.dumps(json.loads(source), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return Converted(title=title, text=_lines(source), note="not valid JSON: shown as it is")
    return Converted(title=title, text=_lines(source))


def convert_markdown(source: str, url: str, title: str) -> Converted:
    """Markdown as it is, with its links as links; the first heading is the title."""
    links = Links(url)
    lines: list[str] = []
    anchors: dict[str, int] = {}
    heading: str | None = None
    fenced = False
    size = 0
    for raw in _lines(source).split("\n"):
        fenced ^= _FENCE.match(raw) is not None
        line = raw if fenced or raw.startswith("    ") else _linked(raw, links)
        if not fenced and (match := _HEADING.match(raw)):
            heading = heading or match[1]
            anchors.setdefault(_slug(match[1]), size)
        lines.append(line)
        size += len(line) + 1
    return Converted(title=heading or title, text="\n".join(lines), links=links.urls, anchors=anchors)


def _linked(line: str, links: Links) -> str:
    def marker(match: re.Match[str]) -> str:
        if match[0].startswith("!"):
            return match[0]
        return match[0] if match[2].startswith("#") else links.marker(match[2], match[1]) or match[0]

    line = _LINK.sub(marker, line)
    return _AUTOLINK.sub(lambda match: links.marker(match[1], match[1]) or match[0], line)


def _slug(heading: str) -> str:
    """The anchor that GitHub and most renderers make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def _lines(source: str) -> str:
    text = clean(source.replace("\r\n", "\n").replace("\r", "\n"))
    return drop_controls("\n".join(line.rstrip() for line in text.split("\n"))).strip("\n")
