"""Batches of rows that share one prompt."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from nano.config import PAD_TOKEN
from nano.numbers import Split
from nano.prompts import random_prompt
from nano.rows import Row, arithmetic_task, failed_row, python_row, talk_row, untooled_row, words_task
from ossia.harmony import FIRST_SPECIAL

UNTOOLED = 0.02
"""Share of batches whose prompt declares no python tool."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A prefix of token ids [P] and rows of token ids [B, T], padded at the end; `learned` [B, T] marks the targets."""

    prefix: Tensor
    ids: Tensor
    learned: Tensor

    @property
    def tokens(self) -> int:
        return len(self.prefix) + self.ids.numel()


def python_family_row(rng: random.Random, split: Split) -> Row:
    """A row of the mix that nano is trained on: mostly arithmetic."""
    style = rng.random()
    if style < 0.80:
        return python_row(rng, arithmetic_task(rng, split), split)
    if style < 0.885:
        return python_row(rng, words_task(rng), split)
    return failed_row(rng, split) if style < 0.90 else talk_row(rng, split)


def batches(rng: random.Random, rows: int, split: Split = "train", group: int = 4) -> Iterator[Batch]:
    """Yield batches without end: `group` batches of one prompt are sorted by length, to pad less."""
    while True:
        tooled = rng.random() >= UNTOOLED
        prefix = random_prompt(rng, python=tooled)
        make = python_family_row if tooled else untooled_row
        found = sorted((make(rng, split) for _ in range(rows * group)), key=lambda row: len(row.ids))
        parts = [found[i * rows : (i + 1) * rows] for i in range(group)]
        rng.shuffle(parts)
        for part in parts:
            yield collate(prefix, part)


def collate(prefix: list[int], rows: list[Row]) -> Batch:
    length = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), length), PAD_TOKEN)
    learned = torch.zeros(len(rows), length, dtype=torch.bool)
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
        learned[i, : len(row.ids)] = torch.tensor(row.learned)
    return Batch(torch.tensor(prefix), ids, learned)


def copy_batch(rng: random.Random) -> Batch:
    """Random tokens of which stretches are repeated: learn to copy before anything else.

    In half of the batches the tokens come from a small alphabet, so that one token is not enough to find the place.
    """
    rows, length = rng.choice(((32, 96), (16, 192), (12, 256)))
    ids = torch.randint(0, FIRST_SPECIAL, (rows, length))
    if rng.random() < 0.5:
        ids = torch.randint(0, FIRST_SPECIAL, (24,))[torch.randint(0, 24, (rows, length))]
    learned = torch.zeros(rows, length, dtype=torch.bool)
    for i in range(rows):
        at = length // 2
        while at < length - 4:
            size = min(rng.randint(5, 14), length - at)
            source = rng.randint(0, length // 2 - size)
            ids[i, at : at + size] = ids[i, source : source + size].clone()
            learned[i, at + 3 : at + size] = True
            at += size
    return Batch(torch.zeros(0, dtype=torch.long), ids, learned)
