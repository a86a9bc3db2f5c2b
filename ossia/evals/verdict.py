"""What came of one sample."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ossia.agent import RunResult

Status = Literal["correct", "incorrect", "infrastructure"]
"""correct, incorrect: the model was scored; infrastructure: a part of ours failed, which says nothing of the model."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A sample's status, and the measures that it is made of."""

    sample: str
    """Its id."""
    family: str
    status: Status
    measures: Mapping[str, bool] = field(default_factory=dict)
    """What was looked at; correct is who has all of them. Empty with status `infrastructure`."""
    outcome: str = "final"
    """How the run ended."""
    final: str | None = None
    calls: tuple[str, ...] = ()
    """Recipient and arguments of each call, to read what went wrong."""
    error: str | None = None
    """What failed, with status `infrastructure`."""
    seconds: float = 0.0
    sampled_tokens: int = 0


def verdict(sample: str, family: str, result: RunResult, measures: Mapping[str, bool]) -> Verdict:
    """The verdict on a run; a run that ended as `infrastructure` is not scored, whatever the measures say."""
    ours = result.outcome == "infrastructure"
    right = result.outcome == "final" and all(measures.values())
    return Verdict(
        sample=sample,
        family=family,
        status="infrastructure" if ours else "correct" if right else "incorrect",
        measures={} if ours else dict(measures),
        outcome=result.outcome,
        final=result.final,
        calls=tuple(f"{call.recipient} {call.arguments}" for call in result.tool_calls),
        error=result.error,
        seconds=round(result.usage.seconds, 3),
        sampled_tokens=result.usage.sampled_tokens,
    )
