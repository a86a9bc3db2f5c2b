"""Limits: where a turn has to stop, and the budget that counts towards them."""

import time
from dataclasses import dataclass, field

from ossia.errors import UserError


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one turn. None: no bound. A turn that meets one ends with outcome `limit` and the field's name."""

    steps: int | None = 50
    """Completions, re-sampled ones not counted."""
    seconds: float | None = None
    """Wall-clock time of the turn, tools included."""
    tokens: int | None = None
    """Sampled token ids, discarded completions included."""
    step_tokens: int | None = None
    """Sampled token ids of one completion. Where the engine's context ends first, that is the bound."""
    resamples: int = 3
    """Completions in a row that may be sampled again because nothing could be made of them."""

    def __post_init__(self) -> None:
        for name in ("steps", "seconds", "tokens", "step_tokens"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise UserError(f"Limits({name}={value}): give a number above 0, or None for no bound.")
        if self.resamples < 0:
            raise UserError(f"Limits(resamples={self.resamples}): give 0 or more.")


@dataclass(slots=True)
class Budget:
    """What a turn has used of its limits."""

    limits: Limits
    steps: int = 0
    tokens: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the turn began."""
        return time.monotonic() - self.started

    def exhausted(self) -> str | None:
        """The name of the limit that forbids another completion, or None."""
        limits = self.limits
        if limits.steps is not None and self.steps >= limits.steps:
            return "steps"
        if limits.tokens is not None and self.tokens >= limits.tokens:
            return "tokens"
        if limits.seconds is not None and self.seconds >= limits.seconds:
            return "seconds"
        return None

    def completion_tokens(self) -> tuple[int | None, str]:
        """The most token ids that the next completion may have, and which limit that is."""
        left = None if self.limits.tokens is None else self.limits.tokens - self.tokens
        step = self.limits.step_tokens
        if left is None or (step is not None and step <= left):
            return step, "step_tokens" if step is not None else "context"
        return left, "tokens"
