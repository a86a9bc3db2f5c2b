"""Limits: where a turn has to stop, and the budget that counts towards them."""

import time
from dataclasses import dataclass, field, fields

from ossia.errors import UserError


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one turn. None: no bound. A turn that meets one ends with outcome `limit` and the field's name."""

    steps: int | None = 50
    """Completions, re-sampled ones not counted."""
    tool_calls: int | None = None
    tokens: int | None = None
    """Sampled token ids, discarded completions included."""
    step_tokens: int | None = None
    """Sampled token ids of one completion. Where the engine's context ends first, that is the bound."""
    analysis_tokens: int | None = None
    """Sampled token ids of analysis in one completion, counted as they stream (to the engine's chunk)."""
    context: int | None = None
    """Token ids of prompt and completion together; the engine's own maximum holds as well."""
    seconds: float | None = None
    """Wall-clock time of the turn, tools included."""
    tool_seconds: float | None = None
    """Wall-clock time in tools."""
    force_final: bool = False
    """When a limit is met, let the model write its final answer all the same: `result.forced` says so."""
    final_tokens: int = 2048
    """Sampled token ids of such an answer."""
    final_seconds: float = 60.0
    """Wall-clock time of such an answer."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name != "force_final" and value is not None and value <= 0:
                raise UserError(f"Limits({item.name}={value}): give a number above 0.")


@dataclass(slots=True)
class Budget:
    """What a turn has used of its limits. What a nested agent uses counts towards its parent's budget too."""

    limits: Limits
    parent: "Budget | None" = None
    steps: int = 0
    tool_calls: int = 0
    tokens: int = 0
    tool_seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the turn began."""
        return time.monotonic() - self.started

    def add_tokens(self, count: int) -> None:
        """Count sampled token ids, here and above."""
        self.tokens += count
        if self.parent:
            self.parent.add_tokens(count)

    def exhausted(self) -> str | None:
        """The name of the limit that forbids another completion, or None."""
        for name in ("steps", "tool_calls", "tokens", "seconds", "tool_seconds"):
            bound = getattr(self.limits, name)
            if bound is not None and getattr(self, name) >= bound:
                return name
        return self.parent.exhausted() if self.parent else None

    def seconds_left(self) -> float | None:
        """Wall-clock seconds that the turn may still take, or None."""
        own = None if self.limits.seconds is None else self.limits.seconds - self.seconds
        above = self.parent.seconds_left() if self.parent else None
        return min((left for left in (own, above) if left is not None), default=None)

    def tokens_left(self) -> int | None:
        """Token ids that may still be sampled, or None."""
        own = None if self.limits.tokens is None else self.limits.tokens - self.tokens
        above = self.parent.tokens_left() if self.parent else None
        return min((left for left in (own, above) if left is not None), default=None)

    def completion_tokens(self, room: int) -> tuple[int, str]:
        """The most token ids of the next completion, and which limit that is; the context has `room` for so many."""
        bounds = [(room, "context")]
        if (left := self.tokens_left()) is not None:
            bounds.append((left, "tokens"))
        if self.limits.step_tokens is not None:
            bounds.append((self.limits.step_tokens, "step_tokens"))
        return min(bounds)
