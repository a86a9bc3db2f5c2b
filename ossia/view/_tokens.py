"""The raw tokens of a run, kept small in its page: ids once, the text of each id once, shown when asked for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ossia import harmony
from ossia.types import JsonValue
from ossia.view._text import visible


@dataclass(frozen=True, slots=True)
class Piece:
    """Token ids of one origin."""

    origin: str
    """One of `harmony.Origin`; `discarded`: sampled, and not kept; `left out`: behind what was kept of a completion."""
    ids: Sequence[int]
    logprobs: Sequence[float] | None = None
    """Natural logarithms, shape of `ids`."""


@dataclass(slots=True)
class Tokens:
    """All tokens that a page can show."""

    _groups: list[list[Piece]] = field(default_factory=list)

    def add(self, pieces: Iterable[Piece]) -> int:
        """Take tokens that are shown together; the number to ask for them by."""
        self._groups.append([piece for piece in pieces if piece.ids])
        return len(self._groups) - 1

    def to_json(self) -> Mapping[str, JsonValue]:
        """What the page's script reads."""
        used = sorted({token for group in self._groups for piece in group for token in piece.ids})
        return {
            "text": {str(token): _text(token) for token in used},
            "groups": [[_piece(piece) for piece in group] for group in self._groups],
        }


def segment_pieces(segment: harmony.Segment, start: int, stop: int) -> Iterator[Piece]:
    """The tokens `[start, stop)` of a segment, by who made them."""
    for run in segment.origins(start, stop):
        yield Piece(run.origin, segment.tokens[run.start : run.stop].tolist())


def _piece(piece: Piece) -> JsonValue:
    parts: list[JsonValue] = [piece.origin, list(piece.ids)]
    if piece.logprobs:
        parts.append([round(value, 4) for value in piece.logprobs])
    return parts


def _text(token: int) -> str:
    encoding = harmony.encoding()
    text = encoding.text_of[token]
    if text is None:
        return "".join(f"\\x{byte:02x}" for byte in encoding.bytes_of[token])
    return visible(text).replace("\n", "↵").replace("\t", "⇥") or "(no text)"
