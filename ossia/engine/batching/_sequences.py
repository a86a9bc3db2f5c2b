"""What a model must offer to be run in batches: caches of sequences, and computing new token ids behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Tokens: TypeAlias = NDArray[np.int64]


class SequenceCache(Protocol):
    """Keys and values of one sequence of token ids."""

    @property
    def length(self) -> int:
        """Token ids whose keys and values are in all layers."""
        ...

    @property
    def tokens(self) -> Tokens:
        """These token ids, shape [length]."""
        ...

    @property
    def nbytes(self) -> int: ...

    def truncate(self, length: int) -> None:
        """Forget what is behind the first `length` positions."""
        ...

    def copy_prefix(self, other: Self, length: int) -> None:
        """Become a copy of the first `length` positions of `other`."""
        ...


CacheT = TypeVar("CacheT", bound=SequenceCache)


# Without slots: Python 3.11 cannot make objects of a generic class (`Segment[C](...)`) that is frozen and has them.
@dataclass(frozen=True)
class Segment(Generic[CacheT]):
    """New token ids of one sequence, shape [t], t >= 1, to be computed behind what its cache holds."""

    tokens: Tokens
    cache: CacheT


@dataclass(frozen=True, slots=True)
class Piece(Generic[CacheT]):
    """Segments to be computed together."""

    segments: Sequence[Segment[CacheT]]
    wanted: Sequence[int]
    """Which of the segments the logits behind their last token id are wanted of."""


class Runner(Protocol[CacheT]):
    """A model in memory. It is called from one thread."""

    def new_cache(self) -> CacheT:
        """An empty cache."""
        ...

    def compute(self, pieces: Sequence[Piece[CacheT]]) -> Floats:
        """Compute pieces, one after another, and add their token ids to the caches.

        Returns the wanted logits, shape [n, V], in the order of the pieces; the next call may overwrite them.
        """
        ...


def common_prefix(a: Tokens, b: Tokens) -> int:
    """How many token ids two sequences share from their beginning."""
    n = min(len(a), len(b))
    different = np.nonzero(a[:n] != b[:n])[0]
    return int(different[0]) if len(different) else n
