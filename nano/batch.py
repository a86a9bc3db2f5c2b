"""Rows as tensors."""

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


def collate(prefix: list[int], rows: list[Row]) -> Batch:
    length = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), length), PAD_TOKEN)
    learned = torch.zeros(len(rows), length, dtype=torch.bool)
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
        learned[i, : len(row.ids)] = torch.tensor(row.learned)
    return Batch(torch.tensor(prefix), ids, learned)
