"""Keys and values of one sequence."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ossia.engine.nano._config import ModelConfig
from ossia.engine.nano._tensors import Floats

Tokens: TypeAlias = NDArray[np.int64]


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
