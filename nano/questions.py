"""The held-out arithmetic questions: documented phrasings, expressions that training never sees."""

import json
import random
from pathlib import Path

from nano.numbers import Split, expression
from nano.phrasings import ask

HELD_OUT = Path(__file__).with_name("heldout_arithmetic.jsonl")
"""The 400 questions that figures are given for: `held_out(400, HELD_OUT_SEED)`, never used to choose anything."""
HELD_OUT_SEED = 20_261_124


def held_out(n: int, seed: int) -> list[tuple[str, str]]:
    """`n` questions with different expressions, and what each comes to: [(question, result), ...]."""
    return questions(n, seed, "test")


def questions(n: int, seed: int, split: Split) -> list[tuple[str, str]]:
    """`n` questions of one split, no expression twice."""
    rng = random.Random(seed)
    found: dict[str, tuple[str, str]] = {}
    while len(found) < n:
        drawn = expression(rng, split)
        if drawn.text not in found:
            found[drawn.text] = (ask(rng, drawn), drawn.result)
    return list(found.values())


def read(path: Path = HELD_OUT) -> list[tuple[str, str]]:
    """The questions of a file that `write` made."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [(row["question"], row["expected"]) for row in rows]


def write(path: Path = HELD_OUT) -> None:
    """Write the 400 held-out questions."""
    rows = [{"question": q, "expected": a} for q, a in held_out(400, HELD_OUT_SEED)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


if __name__ == "__main__":
    write()
