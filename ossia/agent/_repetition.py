"""Finding a completion that goes round in circles while it is being sampled."""

from collections.abc import Iterable
from dataclasses import dataclass, field

GRAM = 12
"""Token ids that have to come again in the same order to be taken for the same place."""


@dataclass(slots=True)
class RepetitionDetector:
    """Sees when the end of a completion is one passage over and over. O(1) a token.

    A completion repeats itself once its last `span` token ids, at least `times` whole rounds, have had one period:
    short enough to save a context of 130,000 from being filled, long enough for tables and columns of digits.
    """

    span: int = 768
    times: int = 8
    _last: dict[tuple[int, ...], int] = field(default_factory=dict)
    _tail: list[int] = field(default_factory=list)
    _count: int = 0
    _period: int = 0
    _run: int = 0

    def feed(self, token_ids: Iterable[int]) -> bool:
        """Take more of the completion; True when it repeats itself."""
        for token in token_ids:
            tail = self._tail
            tail.append(token)
            self._count += 1
            if len(tail) > GRAM:
                del tail[0]
            if len(tail) < GRAM:
                continue
            gram = tuple(tail)
            period = self._count - self._last.get(gram, 0) if gram in self._last else 0
            self._last[gram] = self._count
            self._run = self._run + 1 if period and period == self._period else 0
            self._period = period
            if period and self._run >= max(self.span, self.times * period):
                return True
        return False
