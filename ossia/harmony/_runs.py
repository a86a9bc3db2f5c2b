"""Cuts texts that the tokenizer takes a quadratic time for."""

import re
import unicodedata

LONGEST_RUN = 500
"""Characters of one kind (letters, signs, blanks) in a row that are encoded at once. The tokenizer merges the bytes of
such a run in a time that grows with its square: 40,000 emoji in a row take it 14 s, and whatever a tool prints is text
to encode. Words of no language come near this length."""

_LONG = re.compile(rf"\S{{{LONGEST_RUN},}}|\s{{{LONGEST_RUN},}}")
_BLANKS = re.compile(rf"\s{{{LONGEST_RUN}}}")


def cut_long_runs(text: str) -> list[str]:
    """The text in pieces, which are one piece unless it holds a run longer than `LONGEST_RUN`."""
    if max(map(len, text.split()), default=0) < LONGEST_RUN and not _BLANKS.search(text):
        return [text]
    pieces = []
    done = 0
    for found in _LONG.finditer(text):
        for cut in _cuts(text, found.start(), found.end()):
            pieces.append(text[done:cut])
            done = cut
    pieces.append(text[done:])
    return pieces


def _cuts(text: str, start: int, stop: int) -> list[int]:
    """Where runs of one kind between `start` and `stop` become too long."""
    cuts = []
    begin, kind = start, ""
    for n in range(start, stop):
        category = unicodedata.category(text[n])
        new = category[0] if category[0] in "LNZ" else "S"
        if category[0] == "M":
            new = kind  # marks go with what they stand on
        if new != kind or new == "N" or (category == "Lu" and unicodedata.category(text[n - 1]) == "Ll"):
            begin, kind = n, new
        elif n - begin >= LONGEST_RUN:
            cuts.append(n)
            begin = n
    return cuts
