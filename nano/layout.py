"""Positions of a batch: rotary angles, and which position sees which."""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nano.config import NanoConfig

HIDDEN = -1e9
"""Added to the score of a key that a query must not see."""


def yarn(config: NanoConfig) -> tuple[Tensor, float]:
    """Rotary frequencies [head_dim / 2] and the scale of cosine and sine, as in YaRN (arXiv 2309.00071)."""
    dim, base = config.head_dim, config.rope_theta

    def corrected(rotations: float) -> float:
        return dim * math.log(config.rope_original_context / (rotations * 2 * math.pi)) / (2 * math.log(base))

    low, high = max(corrected(config.rope_beta_fast), 0), min(corrected(config.rope_beta_slow), dim - 1)
    plain = base ** -(torch.arange(0, dim, 2).float() / dim)
    ramp = ((torch.arange(dim // 2).float() - low) / (high - low)).clamp(0, 1)
    return plain * (1 - ramp) + plain / config.rope_factor * ramp, 0.1 * math.log(config.rope_factor) + 1


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of x [..., T, dim] by angles [T, dim / 2]; the halves of a vector are its pairs."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


@dataclass(frozen=True, slots=True)
class Layout:
    """One batch's positions: a shared prefix of `prefix` positions, then `rows` rows of `length` each."""

    prefix: int
    rows: int
    length: int
    cos: Tensor
    sin: Tensor
    window: int
    biases: dict[tuple[str, int | None], Tensor] = field(default_factory=dict)

    @staticmethod
    def make(
        config: NanoConfig, prefix: int, shape: torch.Size, frequencies: Tensor, scale: float, dtype: torch.dtype
    ) -> "Layout":
        rows, length = shape
        angles = torch.arange(prefix + length).float()[:, None] * frequencies
        cos, sin = (angles.cos() * scale).to(dtype), (angles.sin() * scale).to(dtype)
        return Layout(prefix, rows, length, cos, sin, config.window)

    def seen(self, window: int | None) -> int:
        """How many of the prefix's last positions any row can see."""
        return self.prefix if window is None else min(self.prefix, window - 1)

    def bias(self, part: str, window: int | None) -> Tensor:
        """Scores' bias: for "prefix" [P, P], for "rows" [T, seen + T]; zero where seen, `HIDDEN` elsewhere."""
        key = (part, window)
        if key not in self.biases:
            self.biases[key] = self._make_bias(part, window)
        return self.biases[key]

    def _make_bias(self, part: str, window: int | None) -> Tensor:
        if part == "prefix":
            queries = keys = torch.arange(self.prefix)
        else:
            queries = torch.arange(self.prefix, self.prefix + self.length)
            keys = torch.arange(self.prefix - self.seen(window), self.prefix + self.length)
        distance = queries[:, None] - keys
        visible = distance >= 0 if window is None else (distance >= 0) & (distance < window)
        return torch.where(visible, 0.0, HIDDEN).to(self.cos.dtype)
