"""Cross-entropy over a sampled vocabulary."""

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from nano.batch import Batch
from nano.model import Nano
from nano.vocabulary import decode
from ossia.engine.nano.table import VOCABULARY, spellings, split_token
from ossia.harmony import FIRST_SPECIAL

SIBLINGS = 8
NEIGHBOURS, DRAWN = 24, 3
"""Tokens that are kept of those near a token, and how many of them a step draws."""


@lru_cache(maxsize=1)
def siblings() -> Tensor:
    """For each token id up to `SIBLINGS` ids of the same stem (`is`, ` is`, `.is`), [V, SIBLINGS]."""
    groups: dict[str, list[int]] = {}
    for token_id in range(FIRST_SPECIAL):
        groups.setdefault(split_token(decode([token_id]))[1], []).append(token_id)
    out = torch.arange(VOCABULARY)[:, None].repeat(1, SIBLINGS)
    for members in groups.values():
        if len(members) > 1:
            kept = members[:SIBLINGS]
            out[torch.tensor(members), : len(kept)] = torch.tensor(kept)
    return out


@lru_cache(maxsize=1)
def neighbours() -> Tensor:
    """For each token id some that have its leading sign and begin alike when spelled, [V, NEIGHBOURS]."""
    groups: dict[tuple[str, str], list[int]] = {}
    for token_id in range(FIRST_SPECIAL):
        lead, stem = split_token(decode([token_id]))
        first = spellings().get(f"stem:{stem}", [f"stem:{stem}"])[0]
        groups.setdefault((lead, first), []).append(token_id)
    out = torch.arange(VOCABULARY)[:, None].repeat(1, NEIGHBOURS)
    for members in groups.values():
        if len(members) > 1:
            out[torch.tensor(members)] = torch.tensor(members)[
                torch.randint(0, len(members), (len(members), NEIGHBOURS))
            ]
    return out


@lru_cache(maxsize=1)
def digit_tokens() -> Tensor:
    """The ids of all tokens of digits only: the rivals of every copied number."""
    return torch.tensor([i for i in range(FIRST_SPECIAL) if (text := decode([i])).isascii() and text.isdigit()])


class SampledLoss:
    """Cross-entropy over the batch's tokens, the targets' siblings and neighbours, permanent negatives, random tokens.

    The logits of the random tokens are raised by log(V / n), so that they stand for the whole vocabulary. Permanent
    negatives are all digit tokens, and whatever `add` was told of: tokens that won wrongly over the full vocabulary.
    """

    def __init__(self, negatives: int = 1024) -> None:
        self.negatives = negatives
        self.siblings = siblings()
        self.permanent = digit_tokens()

    def add(self, winners: Tensor) -> None:
        """Make `winners` (token ids) negatives of every later batch."""
        self.permanent = distinct(torch.cat((self.permanent, winners)))

    def __call__(self, model: Nano, batch: Batch, dtype: torch.dtype) -> tuple[Tensor, float]:
        """(loss, share of targets that are the argmax of the candidates)."""
        hidden = model(batch.prefix, batch.ids, dtype)
        at, targets = positions(batch)
        near = self._near(batch, targets)
        answer = torch.searchsorted(near, targets)
        random = torch.randint(0, VOCABULARY, (self.negatives,))
        weights = model.table[torch.cat((near, random))].to(dtype)
        raised = torch.full((self.negatives,), math.log(VOCABULARY / self.negatives))
        raised[torch.isin(random, near)] = -1e9
        logits = (hidden.index_select(0, at) @ weights.T).float()
        logits = logits + torch.cat((torch.zeros(len(near)), raised))
        right = (logits.detach().argmax(-1) == answer).float().mean().item()
        return F.cross_entropy(logits, answer), right

    def _near(self, batch: Batch, targets: Tensor) -> Tensor:
        near = neighbours()[distinct(targets)][:, torch.randint(0, NEIGHBOURS, (DRAWN,))]
        parts = (batch.prefix, batch.ids, self.siblings[targets], near, self.permanent)
        return distinct(torch.cat([part.reshape(-1) for part in parts]))


def distinct(ids: Tensor) -> Tensor:
    """The ids without repetition, ascending."""
    out: Tensor = torch.unique(ids)
    return out


def positions(batch: Batch) -> tuple[Tensor, Tensor]:
    """(flat positions [M] whose next token is learned, those next tokens [M])."""
    length = batch.ids.shape[1]
    row, column = batch.learned[:, 1:].nonzero(as_tuple=True)
    return row * length + column, batch.ids[row, column + 1]
