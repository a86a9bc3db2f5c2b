"""Text where a header should stand: a forgotten `<|message|>`, or messages whose control tokens leaked as words."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ossia.harmony._encoding import CHANNEL, encoding

_NAME = r"[^\s<{(\[]+"
_TO = rf"(?:\s*to\s*=\s*{_NAME})?"
_TYPE = r"\s*(?:<\|constrain\|>\s*)?(?:(?:json|code)(?![a-z]))?"
_LEAD = re.compile(
    rf"\s*(?:(?:<\|start\|>)?assistant{_TO}\s*(?:<\|channel\|>)?\s*(?:analysis|commentary|final)"
    rf"|(?:assistant)?{_TO}\s*<\|channel\|>\s*(?:analysis|commentary|final)?"
    rf"|(?:analysis|commentary|final)(?![a-z])|(?:assistant)?\s*to\s*=\s*{_NAME})"
    rf"{_TO}{_TYPE}(?:<\|message\|>)?\s?"
)
_NEXT = re.compile(r"(?:<\|start\|>)?assistant(?=(?:<\|channel\|>)?(?:analysis|commentary|final)|\s+to=)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A message found in plain text: tokens `[start, stop)` of those given, of which `[body, stop)` its text."""

    header: str
    text: str
    start: int
    body: int
    stop: int
    led: bool
    """It began with a header; else it is text that says nothing of itself."""
    marked: bool
    """Its header holds a real `<|channel|>`."""


def split_plain_text(ids: Sequence[int], split: bool = True) -> list[Piece]:
    """The messages in token ids that hold no `<|message|>`; without `split`, at most one."""
    table = encoding().bytes_of
    sizes = [len(table[i]) for i in ids]
    text = encoding().decode_bytes(ids).decode("utf-8", "surrogateescape")
    cuts = [0, *(m.start() for m in _NEXT.finditer(text) if m.start()), len(text)] if split else [0, len(text)]
    offsets = _TokenOffsets(text, sizes)
    pieces = []
    for start, stop in itertools.pairwise(cuts):
        part = text[start:stop]
        lead = _LEAD.match(part) if split or CHANNEL in ids else None
        end = lead.end() if lead else 0
        first, body = offsets.token(start), offsets.token(start + end)
        last = len(ids) if stop == len(text) else offsets.token(stop)
        pieces.append(
            Piece(
                header=part[:end].rstrip().removesuffix("<|message|>"),
                text=_clean(part[end:]),
                start=first,
                body=body,
                stop=last,
                led=lead is not None,
                marked=CHANNEL in ids[first:body],
            )
        )
    return pieces


def is_header_like(text: str) -> bool:
    """Whether text is a header and nothing else."""
    lead = _LEAD.match(text)
    return text.strip() in ("", "assistant") or (lead is not None and not text[lead.end() :].strip())


def _clean(text: str) -> str:
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return re.sub(r"(?:<\|(?:end|call|return)\|>)+\s*$", "", text)


class _TokenOffsets:
    """Which token a character of the text lies in, asked in rising order."""

    def __init__(self, text: str, sizes: Sequence[int]) -> None:
        self._text = text
        self._sizes = sizes
        self._char = self._byte = self._token = self._token_end = 0

    def token(self, char: int) -> int:
        """Index of the first token that begins at `char` or behind it."""
        self._byte += len(self._text[self._char : char].encode("utf-8", "surrogateescape"))
        self._char = char
        while self._token < len(self._sizes) and self._token_end < self._byte:
            self._token_end += self._sizes[self._token]
            self._token += 1
        return self._token
