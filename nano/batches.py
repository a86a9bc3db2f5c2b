"""Batches of rows that share one prompt."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from nano.browsing import browse_row
from nano.config import PAD_TOKEN
from nano.declared import functions_row
from nano.numbers import Split
from nano.prompts import (
    browser_prompt,
    functions_prompt,
    random_date,
    random_effort,
    random_instructions,
    random_prompt,
)
from nano.rows import (
    Row,
    arithmetic_task,
    failed_row,
    mistake_row,
    phrased_task,
    python_row,
    quiz_row_task,
    table_row_task,
    talk_row,
    untooled_row,
    words_task,
)
from ossia.harmony import FIRST_SPECIAL
from ossia.types import Effort, FunctionSpec

Family = Literal["python", "functions", "hits", "browser", "untooled"]
SHARES: dict[Family | Literal["copies"], float] = {
    "python": 0.3,
    "functions": 0.45,
    "hits": 0.05,
    "browser": 0.16,
    "untooled": 0.02,
    "copies": 0.02,
}
"""Share of the batches: `hits` are rows of the browser that end with the open hit, `copies` those of `copy_batch`."""
ROWS: dict[Family, float] = {"python": 1.0, "functions": 0.35, "hits": 0.3, "browser": 0.15, "untooled": 1.0}
"""Rows of a batch, as a share of those of a batch for python: they are longer, so that batches cost alike."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A prefix of token ids [P] and rows of token ids [B, T], padded at the end; `learned` [B, T] marks the targets."""

    prefix: Tensor
    ids: Tensor
    learned: Tensor

    @property
    def tokens(self) -> int:
        return len(self.prefix) + self.ids.numel()


def python_family_row(rng: random.Random, split: Split, effort: Effort = "medium") -> Row:
    """A row of the mix that nano is trained on for python: more than half are arithmetic."""
    style = rng.random()
    if style < 0.24:
        return python_row(rng, arithmetic_task(rng, split), split, effort)
    if style < 0.54:
        return python_row(rng, phrased_task(rng, split), split, effort)
    if style < 0.59:
        return python_row(rng, words_task(rng), split, effort)
    if style < 0.71:
        return python_row(rng, quiz_row_task(rng), split, effort)
    if style < 0.77:
        return python_row(rng, table_row_task(rng), split, effort)
    if style < 0.84:
        return mistake_row(rng, split, effort)
    return failed_row(rng, split) if style < 0.86 else talk_row(rng, split)


def family_rows(rng: random.Random, family: Family, rows: int, split: Split) -> tuple[list[int], list[Row]]:
    """(prompt, rows) of one family, the effort the same in all of them."""
    effort = random_effort(rng)
    if family == "python":
        return random_prompt(rng, effort=effort), [python_family_row(rng, split, effort) for _ in range(rows)]
    if family in ("browser", "hits"):
        whole = family == "browser"
        return browser_prompt(rng, effort), [browse_row(rng, effort, whole=whole) for _ in range(rows)]
    if family == "untooled":
        return random_prompt(rng, python=False, effort=effort), [untooled_row(rng, split) for _ in range(rows)]
    date, instructions = random_date(rng), random_instructions(rng)
    system, _ = functions_prompt((FunctionSpec("f"),), effort, date, instructions)
    return system, [functions_row(rng, effort, date, instructions) for _ in range(rows)]


def batches(
    rng: random.Random, rows: int, split: Split = "train", group: int = 4, python: float = SHARES["python"]
) -> Iterator[Batch]:
    """Yield batches without end: `group` batches of one prompt are sorted by length, to pad less.

    `rows`: of a batch for python; those of the other families are longer, so their batches have fewer. `python`: share
    of the batches that are for it; the rest is as `SHARES` divides it.
    """
    rest = (1 - python) / (1 - SHARES["python"])
    shares = {family: python if family == "python" else share * rest for family, share in SHARES.items()}
    while True:
        family = rng.choices(list(shares), list(shares.values()))[0]
        if family == "copies":
            yield from (copy_batch(rng) for _ in range(group))
            continue
        count = max(1, round(rows * ROWS[family]))
        prefix, made = family_rows(rng, family, count * group, split)
        made.sort(key=lambda row: len(row.ids))
        parts = [made[i * count : (i + 1) * count] for i in range(group)]
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

    Seven of ten batches are records, which the same few tokens divide into a name and a value; half of the rest come
    from a small alphabet. One token is then not enough to find the place.
    """
    rows, length = rng.choice(((32, 96), (16, 192), (12, 256)))
    style = rng.random()
    if style < 0.7:
        made = [_records(rng, length) for _ in range(rows)]
        tokens, marks = torch.tensor([ids for ids, _ in made]), torch.tensor([learned for _, learned in made])
        return Batch(torch.zeros(0, dtype=torch.long), tokens, marks)
    ids = torch.randint(0, FIRST_SPECIAL, (rows, length))
    if style < 0.85:
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


def _records(rng: random.Random, length: int) -> tuple[list[int], list[bool]]:
    """Records (name, divider, value, divider), then the same in another order: (ids, learned), `length` of each.

    Only values are learned: they take what stands before the divider to be told apart, and among the easy targets of
    whole records that was never learned.
    """

    def some(low: int, high: int) -> list[int]:
        return [rng.randrange(FIRST_SPECIAL) for _ in range(rng.randint(low, high))]

    dividers = some(2, 6), some(1, 4)
    records: list[tuple[list[int], list[bool]]] = []
    while 2 * sum(len(ids) for ids, _ in records) < length:
        name, value = some(1, 3), some(1, 3)
        before, after = [False] * (len(name) + len(dividers[0])), [False] * len(dividers[1])
        records.append((name + dividers[0] + value + dividers[1], before + [True] * len(value) + after))
    ids = [token for record, _ in records for token in record]
    learned = [False] * len(ids)
    while len(ids) < length:
        record, marks = rng.choice(records)
        ids, learned = ids + record, learned + marks
    return ids[:length], learned[:length]
