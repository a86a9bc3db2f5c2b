"""Text where a header should stand: a forgotten `<|message|>`, or messages whose control tokens leaked as words."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ossia.harmony._encoding import CHANNEL, encoding

_NAME = r"[^\s<{(\[]{1,200}+"
_TO = rf"(?:\s*+to\s*+=\s*+{_NAME})?"
_TYPE = r"\s*+(?:<\|constrain\|>\s*+)?(?:(?:json|code)(?![a-z]))?"
_LEAD = re.compile(
    rf"\s*+(?:(?:<\|start\|>)?assistant{_TO}\s*+(?:<\|channel\|>)?\s*+(?:analysis|commentary|final)"
    rf"|(?:assistant)?{_TO}\s*+<\|channel\|>\s*+(?:analysis|commentary|final)?"
    rf"|(?:analysis|commentary|final)(?![a-z])|(?:assistant)?\s*+to\s*+=\s*+{_NAME})"
    rf"{_TO}{_TYPE}(?:<\|message\|>)?\s?"
)
"""A header that is spelled out, up to where content begins. The word `final` alone counts only where no lower-case
letter follows: `finally` is no header."""
_NEXT = re.compile(r"(?<!to=)(?:<\|start\|>)?assistant(?=(?:<\|channel\|>)?(?:analysis|commentary|final)|\s+to=)")
_SPECIAL = re.compile(r"<\|\w+\|>")
_TAIL = re.compile(r"(?:<\|(?:end|call|return)\|>)+\s*$")


@dataclass(frozen=True, slots=True)
class Piece:
    """A message found in text: tokens `[start, stop)` of those given, of which `[body, stop)` its content."""

    header: str
    text: str
    start: int
    body: int
    stop: int
    led: bool
    """It began with a header; else it is text that says nothing of itself."""
    marked: bool
    """Its header holds a real `<|channel|>`: only `<|message|>` was forgotten."""


def has_leak(text: str) -> bool:
    """Whether the header of another message is spelled out in the text."""
    return "assistant" in text and _NEXT.search(text) is not None


def split_unheaded(ids: Sequence[int], *, leaks: bool) -> list[Piece]:
    """The messages in token ids among which is no `<|message|>`, in order, one at least.

    Without `leaks`, words are never taken for control tokens: one message, with a header if a `<|channel|>` is there.
    """
    if not leaks and CHANNEL not in ids:
        return _split(ids, [0], led_from=1)
    return _split(ids, _leak_starts(_text(ids)) if leaks else [0], led_from=0)


def split_content(ids: Sequence[int]) -> list[Piece]:
    """The messages in the content of one: what is its own, then each that leaked into it."""
    return _split(ids, [0, *(m.start() for m in _NEXT.finditer(_text(ids)))], led_from=1)


def _leak_starts(text: str) -> list[int]:
    """Where messages begin, the first at 0: where the header of one is spelled out and the one before has content."""
    starts = [0]
    for found in _NEXT.finditer(text):
        lead = _LEAD.match(text, starts[-1])
        content = text[lead.end() if lead else starts[-1] : found.start()]
        if content.replace("assistant", "").strip():
            starts.append(found.start())
    return starts


def is_header_like(text: str) -> bool:
    """Whether text is a header, or the beginning of one, and nothing else."""
    lead = _LEAD.match(text)
    return text.strip() in ("", "assistant") or (lead is not None and not _SPECIAL.sub("", text[lead.end() :]).strip())


def _split(ids: Sequence[int], starts: Sequence[int], led_from: int) -> list[Piece]:
    """Cut at the characters `starts`; the pieces from `led_from` on may begin with a header."""
    text = _text(ids)
    offsets = _TokenOffsets(text, ids)
    pieces = []
    for n, (start, stop) in enumerate(itertools.pairwise([*starts, len(text)])):
        part = text[start:stop]
        lead = _LEAD.match(part) if n >= led_from else None
        end = lead.end() if lead else 0
        first, body = offsets.token(start), offsets.token(start + end)
        last = len(ids) if stop == len(text) else offsets.token(stop)
        pieces.append(
            Piece(
                header=part[:end].rstrip().removesuffix("<|message|>"),
                text=_TAIL.sub("", part[end:].encode("utf-8", "surrogateescape").decode("utf-8", "replace")),
                start=first,
                body=body,
                stop=last,
                led=lead is not None,
                marked=CHANNEL in ids[first:body],
            )
        )
    return pieces


def _text(ids: Sequence[int]) -> str:
    """The text of token ids; bytes that are no UTF-8 stay apart, so that characters can be counted back to bytes."""
    return encoding().decode_bytes(ids).decode("utf-8", "surrogateescape")


class _TokenOffsets:
    """Which token a character of the text lies in, asked in rising order."""

    def __init__(self, text: str, ids: Sequence[int]) -> None:
        table = encoding().bytes_of
        self._text = text
        self._sizes = [len(table[i]) for i in ids]
        self._char = self._byte = self._token = self._token_end = 0

    def token(self, char: int) -> int:
        """Index of the first token that begins at `char` or behind it."""
        self._byte += len(self._text[self._char : char].encode("utf-8", "surrogateescape"))
        self._char = char
        while self._token < len(self._sizes) and self._token_end < self._byte:
            self._token_end += self._sizes[self._token]
            self._token += 1
        return self._token
