"""Batches of rows that share one prompt."""

import random
from collections.abc import Iterator
from typing import Literal

from nano.batch import Batch, collate
from nano.browsing import browse_row
from nano.declared import beside_functions, functions_row
from nano.drills import drill_batch
from nano.numbers import Split
from nano.prompts import (
    Setting,
    browser_prompt,
    browser_tool,
    python_tool,
    random_effort,
    random_prompt,
    random_setting,
)
from nano.rows import (
    Row,
    arithmetic_task,
    babble_row,
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
from ossia.types import Effort

Family = Literal["python", "functions", "mixed", "hits", "browser", "untooled"]
SHARES: dict[Family | Literal["copies"], float] = {
    "python": 0.22,
    "functions": 0.36,
    "mixed": 0.07,
    "hits": 0.1,
    "browser": 0.12,
    "untooled": 0.02,
    "copies": 0.11,
}
"""Share of the batches: `mixed` have functions and other tools in one prompt, `hits` are rows of the browser that end
with the open hit, `copies` those of `drills`."""
ROWS: dict[Family, float] = {
    "python": 1.0,
    "functions": 0.35,
    "mixed": 0.3,
    "hits": 0.3,
    "browser": 0.15,
    "untooled": 1.0,
}
"""Rows of a batch, as a share of those of a batch for python: they are longer, so that batches cost alike."""


def python_family_row(rng: random.Random, split: Split, effort: Effort = "medium") -> Row:
    """A row of the mix that nano is trained on for python: half are arithmetic."""
    style = rng.random()
    if style < 0.2:
        return python_row(rng, arithmetic_task(rng, split), split, effort)
    if style < 0.48:
        return python_row(rng, phrased_task(rng, split), split, effort)
    if style < 0.55:
        return python_row(rng, words_task(rng), split, effort)
    if style < 0.66:
        return python_row(rng, quiz_row_task(rng), split, effort)
    if style < 0.78:
        return python_row(rng, table_row_task(rng), split, effort)
    if style < 0.85:
        return mistake_row(rng, split, effort)
    if style < 0.88:
        return babble_row(rng, split)
    return failed_row(rng, split) if style < 0.9 else talk_row(rng, split)


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
    if family == "functions":
        setting = random_setting(rng, effort)
        return setting.system, [functions_row(rng, setting) for _ in range(rows)]
    python, browser = python_tool(), browser_tool()
    tools = rng.choice(((python,), (python,), (python,), (browser,), (browser, python), ()))
    setting = random_setting(rng, effort, tools)
    return setting.system, [mixed_row(rng, split, setting) for _ in range(rows)]


def mixed_row(rng: random.Random, split: Split, setting: Setting) -> Row:
    """A row for one of the functions that are declared, or for one of the other tools; where none is, for none."""
    if rng.random() < 0.5:
        return functions_row(rng, setting)
    names = [tool.name for tool in setting.tools]
    if not names:
        row = untooled_row(rng, split)
    elif rng.choice(names) == "python":
        row = python_family_row(rng, split, setting.effort)
    else:
        row = browse_row(rng, setting.effort, whole=rng.random() < 0.3)
    return beside_functions(rng, setting, row)


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
            yield from (drill_batch(rng) for _ in range(group))
            continue
        count = max(1, round(rows * ROWS[family]))
        prefix, made = family_rows(rng, family, count * group, split)
        made.sort(key=lambda row: len(row.ids))
        parts = [made[i * count : (i + 1) * count] for i in range(group)]
        rng.shuffle(parts)
        for part in parts:
            yield collate(prefix, part)
