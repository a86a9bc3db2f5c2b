"""Keys and values of one sequence, and the store of those that are kept between the steps of a session."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ossia.engine.nano._config import ModelConfig
from ossia.engine.nano._tensors import Floats

Tokens = NDArray[np.int64]


def common_prefix(a: Tokens, b: Tokens) -> int:
    """How many token ids two sequences share from their beginning."""
    n = min(len(a), len(b))
    different = np.nonzero(a[:n] != b[:n])[0]
    return int(different[0]) if len(different) else n


class KVCache:
    """Keys and values of one sequence of token ids, in every layer; it grows as the sequence does."""

    def __init__(self, config: ModelConfig, capacity: int = 256) -> None:
        self._data: Floats = np.empty(
            (config.num_hidden_layers, 2, config.num_key_value_heads, capacity, config.head_dim), dtype=np.float32
        )
        self._tokens: Tokens = np.empty(capacity, dtype=np.int64)
        self.length = 0
        """Token ids whose keys and values are in all layers."""

    @property
    def nbytes(self) -> int:
        return self._data.nbytes + self._tokens.nbytes

    @property
    def tokens(self) -> Tokens:
        """The token ids held, shape [length]."""
        return self._tokens[: self.length]

    def reserve(self, length: int) -> None:
        """Make room for `length` token ids; at least doubles, so that growing costs O(1) a token."""
        have = self._data.shape[3]
        if length <= have:
            return
        shape = list(self._data.shape)
        shape[3] = max(length, 2 * have)
        data, tokens = np.empty(shape, dtype=np.float32), np.empty(shape[3], dtype=np.int64)
        data[:, :, :, : self.length] = self._data[:, :, :, : self.length]
        tokens[: self.length] = self.tokens
        self._data, self._tokens = data, tokens

    def write(self, layer: int, keys: Floats, values: Floats) -> None:
        """Put those of new token ids, each of shape [kv_heads, n, head_dim], behind `length`."""
        end = self.length + keys.shape[1]
        self._data[layer, 0, :, self.length : end] = keys
        self._data[layer, 1, :, self.length : end] = values

    def read(self, layer: int, start: int, end: int) -> tuple[Floats, Floats]:
        """Keys and values of positions start..end, each of shape [kv_heads, end - start, head_dim]."""
        return self._data[layer, 0, :, start:end], self._data[layer, 1, :, start:end]

    def advance(self, tokens: Tokens) -> None:
        """Count these token ids in, once every layer has written theirs."""
        end = self.length + len(tokens)
        self._tokens[self.length : end] = tokens
        self.length = end

    def truncate(self, length: int) -> None:
        self.length = min(self.length, length)

    def copy_prefix(self, other: "KVCache", length: int) -> None:
        """Become a copy of the first `length` positions of `other`."""
        self.length = 0
        self.reserve(length)
        self._data[:, :, :, :length] = other._data[:, :, :, :length]
        self._tokens[:length] = other._tokens[:length]
        self.length = length


@dataclass(frozen=True, slots=True)
class Match:
    """The best beginning that is at hand for a prompt."""

    length: int
    source: KVCache | None
    owner: str | None
    """The session whose kept cache it is; None: it is in use by a running completion."""


class KVStore:
    """Caches of sessions that are not generating now, the least recently used dropped first."""

    def __init__(self, config: ModelConfig, max_bytes: int) -> None:
        self._config = config
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, KVCache] = OrderedDict()
        self.nbytes = 0
        """Memory of what is kept."""

    def find(self, key: str, prompt: Tokens, active: Iterable[KVCache]) -> Match:
        """The longest prefix of `prompt` that any cache holds; among equals the session's own."""
        own = self._kept.get(key)
        best = Match(common_prefix(prompt, own.tokens), own, key) if own else Match(0, None, None)
        others: list[tuple[str | None, KVCache]] = [*self._kept.items(), *((None, cache) for cache in active)]
        for owner, cache in others:
            if (length := common_prefix(prompt, cache.tokens)) > best.length:
                best = Match(length, cache, owner)
        return best

    def take(self, key: str, match: Match) -> KVCache:
        """A cache that holds what was matched, for the session `key` to write behind.

        Its own is handed over; what another session has is copied, since that session will want it.
        """
        if match.source and match.owner == key:
            cache = self._remove(key)
            cache.truncate(match.length)
            return cache
        cache = KVCache(self._config)
        if match.source:
            cache.copy_prefix(match.source, match.length)
        return cache

    def keep(self, key: str, cache: KVCache) -> None:
        """Keep a session's cache, in place of an older one of the same session."""
        if key in self._kept:
            self._remove(key)
        self._kept[key] = cache
        self.nbytes += cache.nbytes
        while self.nbytes > self._max_bytes:
            self._remove(next(iter(self._kept)))

    def _remove(self, key: str) -> KVCache:
        cache = self._kept.pop(key)
        self.nbytes -= cache.nbytes
        return cache
