"""Rows as tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nano.config import PAD_TOKEN
from nano.rows import Row


@dataclass(frozen=True, slots=True)
class Batch:
    """A prefix of token ids [P] and rows of token ids [B, T], padded at the end; `learned` [B, T] marks the targets."""

    prefix: Tensor
    ids: Tensor
    learned: Tensor

    @property
    def tokens(self) -> int:
        return len(self.prefix) + self.ids.numel()


def collate(prefix: list[int], rows: Sequence[Row]) -> Batch:
    return padded(prefix, [(row.ids, row.learned) for row in rows])


def padded(prefix: list[int], rows: Sequence[tuple[list[int], list[bool]]]) -> Batch:
    """A batch of (ids, learned), each of one row."""
    length = max(len(ids) for ids, _ in rows)
    batch = torch.full((len(rows), length), PAD_TOKEN)
    targets = torch.zeros(len(rows), length, dtype=torch.bool)
    for i, (ids, learned) in enumerate(rows):
        batch[i, : len(ids)] = torch.tensor(ids)
        targets[i, : len(ids)] = torch.tensor(learned)
    return Batch(torch.tensor(prefix, dtype=torch.long), batch, targets)
