"""Teacher-forced check over the full vocabulary: would greedy decoding write exactly this completion?"""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nano.batch import collate
from nano.browsing import browse_row
from nano.declared import functions_row
from nano.model import Nano, fast_dtype
from nano.numbers import Split
from nano.prompts import Setting, browser_prompt, random_prompt
from nano.rows import (
    Row,
    arithmetic_task,
    mistake_row,
    phrased_task,
    python_row,
    quiz_row_task,
    table_row_task,
    talk_row,
    words_task,
)
from nano.vocabulary import decode


@dataclass(slots=True)
class Report:
    """What a check found. A completion counts as right if each of its tokens is the argmax, given those before it."""

    completions: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    sure: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Sum over completions of the probability that sampling at temperature 1 writes exactly it."""
    winners: set[int] = field(default_factory=set)
    """Tokens that won where another one was right."""
    misses: dict[str, str] = field(default_factory=dict)
    """The last miss of each kind."""

    def summary(self) -> str:
        return " ".join(
            f"{kind} {self.right[kind]}/{n} (t=1: {self.sure[kind] / n:.3f})" for kind, n in self.completions.items()
        )


def some_rows(rng: random.Random, split: Split) -> list[Row]:
    """Sixteen rows for python: arithmetic documented and phrased anyhow, words, lists, tables, mistakes, small talk."""
    tasks = [arithmetic_task(rng, split) for _ in range(5)] + [phrased_task(rng, split) for _ in range(4)]
    tasks += [words_task(rng), quiz_row_task(rng), table_row_task(rng)]
    rows = [python_row(rng, task, split) for task in tasks]
    return [*rows, mistake_row(rng, split), mistake_row(rng, split), talk_row(rng, split), talk_row(rng, split)]


@torch.no_grad()
def check(model: Nano, prefix: list[int], rows: list[Row], report: Report) -> None:
    """Add the completions of `rows` after `prefix` to `report`."""
    batch, dtype = collate(prefix, rows), fast_dtype()
    hidden = model(batch.prefix, batch.ids, dtype).view(*batch.ids.shape, -1)
    head = model.table.to(dtype)
    for i, row in enumerate(rows):
        for k, (start, end) in enumerate(row.turns):
            logits = (hidden[i, start - 1 : end - 1] @ head.T).float()
            _count(report, row, f"{row.family}{k}", (start, end), logits)


def development_report(model: Nano, rounds: int, seed: int, split: Split = "dev") -> Report:
    """Check `rounds` prompts of each family, at medium effort: sixteen rows for python, four of the others."""
    rng, report = random.Random(seed), Report()
    for _ in range(rounds):
        check(model, random_prompt(rng, effort="medium"), some_rows(rng, split), report)
        setting = Setting()
        check(model, setting.system, [functions_row(rng, setting) for _ in range(4)], report)
        check(model, browser_prompt(rng, "medium"), [browse_row(rng, "medium") for _ in range(4)], report)
    return report


def _count(report: Report, row: Row, kind: str, turn: tuple[int, int], logits: Tensor) -> None:
    start, end = turn
    targets = torch.tensor(row.ids[start:end])
    won = logits.argmax(-1)
    wrong = (won != targets).nonzero()[:, 0].tolist()
    chosen = logits.log_softmax(-1).gather(1, targets[:, None]).sum().exp().item()
    report.completions[kind] += 1
    report.right[kind] += not wrong
    report.sure[kind] += chosen
    report.winners.update(won[wrong].tolist())
    if wrong:
        at = start + wrong[0]
        written, meant = decode([int(won[wrong[0]])]), decode([row.ids[at]])
        report.misses[kind] = f"{decode(row.ids[:at])} => {written!r}, not {meant!r}"
