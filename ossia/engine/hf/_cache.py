"""Keys and values of one sequence on the model's device."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from ossia.engine.batching import Tokens


@dataclass(frozen=True, slots=True)
class CacheShape:
    """What a model keeps of a token id."""

    layers: int
    kv_heads: int
    head_dim: int
    dtype: torch.dtype
    device: torch.device

    @property
    def token_bytes(self) -> int:
        """Bytes of one token id in all layers."""
        return self.layers * 2 * self.kv_heads * self.head_dim * self.dtype.itemsize


class TorchCache:
    """Keys and values of one sequence of token ids, in every layer; it grows as the sequence does.

    Layers with a sliding window keep all of them too, so that a sequence can be cut back to any length.
    """

    def __init__(self, shape: CacheShape, capacity: int = 256) -> None:
        self._shape = shape
        self._data = self._empty(capacity)
        self._tokens: Tokens = np.empty(capacity, dtype=np.int64)
        self._length = 0

    @property
    def length(self) -> int:
        """Token ids whose keys and values are in all layers."""
        return self._length

    @property
    def tokens(self) -> Tokens:
        """The token ids held, shape [length]."""
        return self._tokens[: self._length]

    @property
    def nbytes(self) -> int:
        return self._data.nbytes + self._tokens.nbytes

    def reserve(self, length: int) -> None:
        """Make room for `length` token ids; at least doubles, so that growing costs O(1) a token."""
        have = len(self._tokens)
        if length <= have:
            return
        capacity = max(length, 2 * have)
        data, tokens = self._empty(capacity), np.empty(capacity, dtype=np.int64)
        data[:, :, :, : self._length] = self._data[:, :, :, : self._length]
        tokens[: self._length] = self.tokens
        self._data, self._tokens = data, tokens

    def write(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Put those of new token ids, each of shape [kv_heads, n, head_dim], behind `length`."""
        end = self._length + keys.shape[1]
        self._data[layer, 0, :, self._length : end] = keys
        self._data[layer, 1, :, self._length : end] = values

    def read(self, layer: int, start: int, end: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of positions start..end, each of shape [kv_heads, end - start, head_dim]."""
        return self._data[layer, 0, :, start:end], self._data[layer, 1, :, start:end]

    def advance(self, tokens: Tokens) -> None:
        """Count these token ids in, once every layer has written theirs."""
        end = self._length + len(tokens)
        self._tokens[self._length : end] = tokens
        self._length = end

    def truncate(self, length: int) -> None:
        self._length = min(self._length, length)

    def copy_prefix(self, other: Self, length: int) -> None:
        """Become a copy of the first `length` positions of `other`."""
        self._length = 0
        self.reserve(length)
        self._data[:, :, :, :length] = other._data[:, :, :, :length]
        self._tokens[:length] = other._tokens[:length]
        self._length = length

    def _empty(self, capacity: int) -> torch.Tensor:
        s = self._shape
        return torch.empty((s.layers, 2, s.kv_heads, capacity, s.head_dim), dtype=s.dtype, device=s.device)
