"""One item of the yardstick, as it is written to its file."""

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ossia.types import JsonValue

PER_FAMILY = 400
SEED = 90_101
DATA = Path(__file__).parent.parent.parent / "ossia" / "evals" / "nano" / "data"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is asked, in what setting, and what is expected."""

    question: str
    expected: dict[str, JsonValue]
    setting: dict[str, JsonValue] = field(default_factory=dict)


Draw = Callable[[random.Random], Draft]


def draw_family(family: str, draw: Draw) -> list[dict[str, JsonValue]]:
    """`PER_FAMILY` items that differ in their question or their setting."""
    rng = random.Random(f"{family} {SEED}")
    found: dict[str, Draft] = {}
    while len(found) < PER_FAMILY:
        draft = draw(rng)
        found.setdefault(json.dumps([draft.question, draft.setting], sort_keys=True), draft)
    return [{"id": f"{family}-{n:03}", "family": family, **asdict(draft)} for n, draft in enumerate(found.values())]


def write(name: str, rows: Iterable[dict[str, JsonValue]]) -> None:
    """Write one data file, one item a line."""
    DATA.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    (DATA / f"{name}.jsonl").write_text(text, encoding="utf-8")
