"""Verdicts in figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ossia.evals.statistics import Share
from ossia.evals.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Line:
    """One measure of one family."""

    family: str
    measure: str
    """`correct`: all measures at once."""
    share: Share
    infrastructure: int
    """Samples left out, because a part of ours failed."""


def summarize(verdicts: Iterable[Verdict]) -> list[Line]:
    """A line for each family's `correct`, then one for each of its measures, where there are several."""
    families: dict[str, list[Verdict]] = {}
    for found in verdicts:
        families.setdefault(found.family, []).append(found)
    return [line for family, found in families.items() for line in _lines(family, found)]


def _lines(family: str, found: Sequence[Verdict]) -> list[Line]:
    scored = [item for item in found if item.status != "infrastructure"]
    lost = len(found) - len(scored)
    lines = [Line(family, "correct", Share(sum(item.status == "correct" for item in scored), len(scored)), lost)]
    measures = list(dict.fromkeys(name for item in scored for name in item.measures))
    if len(measures) > 1:
        for name in measures:
            hits = sum(item.measures.get(name, False) for item in scored)
            lines.append(Line(family, name, Share(hits, len(scored)), lost))
    return lines
