"""Attention of gpt-oss over sequences of different lengths, each with a cache of its own.

transformers computes a batch as a rectangle, padded, with one cache for all of it: sequences that come, go and fork at
any time would be copied at every change. Here the token ids of all sequences stand one after another in one row, which
is the same to every other part of the model, and attention, which alone looks beyond a token, takes them one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from transformers import AttentionInterface

from ossia.engine.batching import Segment
from ossia.engine.hf._cache import TorchCache

ATTENTION = "ossia_sequences"
"""Its name among the attention implementations of transformers."""

_LEAST = -60.0


@dataclass
class Sequences:
    """The segments of one forward pass, and the masks that all their layers share."""

    segments: Sequence[Segment[TorchCache]]
    device: torch.device
    _hidden: dict[tuple[int, int | None], torch.Tensor] = field(default_factory=dict)

    def first(self, index: int, window: int | None) -> int:
        """The first position that the new token ids of a segment can see."""
        start = self.segments[index].cache.length
        return 0 if window is None else max(0, start - window + 1)

    def hidden(self, index: int, window: int | None) -> torch.Tensor | None:
        """True where a new token id must not see one of the last positions, shape [n, m]; None: it sees all of them.

        Without a window, whatever came before the new token ids is seen by all of them, so that m is n.
        """
        segment = self.segments[index]
        start, count = segment.cache.length, len(segment.tokens)
        if count == 1:
            return None
        key = index, window
        if key not in self._hidden:
            first = start if window is None else self.first(index, window)
            seen = torch.arange(first, start + count, device=self.device)
            distance = torch.arange(start, start + count, device=self.device)[:, None] - seen
            self._hidden[key] = (distance < 0) | (distance >= (window or start + count))
        return self._hidden[key]


def attend_all(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    *,
    scaling: float,
    sliding_window: int | None,
    s_aux: torch.Tensor,
    sequences: Sequences,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Queries [1, H, T, h], keys and values [1, G, T, h] of the new token ids -> [1, T, H, h].

    In the form in which transformers calls attention; `sequences` comes from the call of the model.
    """
    layer: int = module.layer_idx  # type: ignore[assignment]  # an int on every layer
    out = torch.empty_like(query.transpose(1, 2))
    row = 0
    for index, segment in enumerate(sequences.segments):
        end = segment.cache.length + len(segment.tokens)
        rows = slice(row, row := row + len(segment.tokens))
        segment.cache.write(layer, key[0, :, rows], value[0, :, rows])
        keys, values = segment.cache.read(layer, sequences.first(index, sliding_window), end)
        hidden = sequences.hidden(index, sliding_window)
        out[0, rows] = attend(query[0, :, rows], keys, values, hidden, s_aux, scaling)
    return out, None


def attend(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    hidden: torch.Tensor | None,
    sinks: torch.Tensor,
    scaling: float,
) -> torch.Tensor:
    """Attention of one sequence's new queries [H, n, h] over keys and values [G, s, h] -> [n, H, h].

    The sink of a head is one more logit in its softmax, with no value: what it takes is attention paid to nothing. The
    scores, which grow with the history, are written once and changed in place; all else is as small as the queries.
    """
    heads, count, size = query.shape
    groups = len(keys)
    grouped = (query * scaling).reshape(groups, -1, size)
    scores = (grouped @ keys.transpose(1, 2)).view(heads, count, -1)
    if hidden is not None:
        scores[..., -hidden.shape[1] :].masked_fill_(hidden, -torch.inf)
    sinks = sinks.view(-1, 1, 1)
    top = torch.maximum(scores.amax(dim=-1, keepdim=True), sinks)
    # Below, exponentials and their products would be denormal numbers, with which a CPU computes many times as slowly;
    # at 1e-26 of the largest they are nothing to the sum either way.
    scores.sub_(top).clamp_(min=_LEAST).exp_()
    total = scores.sum(dim=-1, keepdim=True) + (sinks - top).exp()
    mixed = (scores.view(groups, -1, keys.shape[1]) @ values).view(heads, count, size) / total
    return mixed.transpose(0, 1)


AttentionInterface.register(ATTENTION, attend_all)
