"""A page in passages: what is indexed, and what a search finds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

PASSAGE_CHARS = 1200

_HEADING = re.compile(r"#{1,6} +(.+)")
_MARKER = re.compile(r"【\d+†([^†】]*)(?:†[^†】]*)?】")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a page's text, whole paragraphs where they are short enough."""

    heading: str
    """The heading that it stands under, empty before the first."""
    text: str
    """Links as their text."""
    offset: int
    """Where it begins in the page's text, in characters."""


def passages(text: str) -> Iterator[Passage]:
    """The passages of a page, each of at most 1,200 characters and under one heading."""
    heading = ""
    parts: list[str] = []
    start = size = 0
    for offset, paragraph in _paragraphs(text):
        match = _HEADING.match(paragraph)
        if parts and (match or size + len(paragraph) > PASSAGE_CHARS):
            yield Passage(heading, plain("\n\n".join(parts)), start)
            parts, size = [], 0
        if match:
            heading = plain(match[1].splitlines()[0]).rstrip("¶ ")
        if not parts:
            start = offset
        parts.append(paragraph)
        size += len(paragraph)
    if parts:
        yield Passage(heading, plain("\n\n".join(parts)), start)


def plain(text: str) -> str:
    """`text` with its links shown as their text."""
    return _MARKER.sub(r"\1", text)


def _paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Paragraphs with their offsets; those that are too long are cut at line ends, or anywhere."""
    offset = 0
    for paragraph in re.split(r"(\n{2,})", text):
        if paragraph.strip():
            yield from _cut(paragraph, offset)
        offset += len(paragraph)


def _cut(paragraph: str, offset: int) -> Iterator[tuple[int, str]]:
    at = 0
    while len(paragraph) - at > PASSAGE_CHARS:
        end = paragraph.rfind("\n", at + 1, at + PASSAGE_CHARS)
        if end < 0:
            end = paragraph.rfind(" ", at + 1, at + PASSAGE_CHARS)
        if end < 0:
            end = at + PASSAGE_CHARS
        yield offset + at, paragraph[at:end]
        at = end
    if paragraph[at:].strip():
        yield offset + at, paragraph[at:]
