"""A segment of a transcript: token ids that only grow, who made each of them, and which message each belongs to."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, overload

from ossia.harmony._encoding import RETURN
from ossia.harmony._messages import Role
from ossia.types import Channel, JsonValue

Origin = Literal["rendered", "sampled", "forced", "carried"]
"""rendered: by us from text; sampled: by the model, after just these ids before them; forced: ours, put into the
model's mouth; carried: sampled, but in an earlier segment, after other ids (not to be trained on here)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of a transcript: its tokens are `[start, stop)` of its segment."""

    role: Role
    channel: Channel | None
    recipient: str | None
    start: int
    stop: int
    turn: int
    """Which user message it answers, counted from 1; 0: before the first."""
    name: str | None = None
    """The author of a tool message."""

    @property
    def is_analysis(self) -> bool:
        """Reasoning, as opposed to calls and results that share its channel."""
        return self.role == "assistant" and self.channel == "analysis" and self.recipient is None

    @property
    def is_final(self) -> bool:
        return self.role == "assistant" and self.channel == "final" and self.recipient is None


@dataclass(frozen=True, slots=True)
class Run:
    """Tokens `[start, stop)` of one origin."""

    origin: Origin
    start: int
    stop: int


@dataclass(slots=True)
class Segment:
    """Token ids, each prompt of which begins with the one before."""

    reason: str
    """Why it was begun: "start", or what was given to `rewrite`."""
    tokens: "array[int]" = field(default_factory=lambda: array("I"))
    runs: list[Run] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    returns: list[int] = field(default_factory=list)
    """Where a `<|return|>` was sampled, which is kept as `<|end|>`: training puts it back at the last one."""

    def extend(self, ids: Sequence[int], origin: Origin) -> None:
        """Add token ids of one origin."""
        if not ids:
            return
        start = len(self.tokens)
        self.tokens.extend(ids)
        if self.runs and self.runs[-1].origin == origin:
            start = self.runs.pop().start
        self.runs.append(Run(origin, start, len(self.tokens)))

    def origins(self, start: int, stop: int) -> Iterator[Run]:
        """The runs of tokens `[start, stop)`, cut to it."""
        for run in self.runs:
            if run.start < stop and run.stop > start:
                yield Run(run.origin, max(run.start, start), min(run.stop, stop))

    def sampled_mask(self) -> list[bool]:
        """For each token id whether the model sampled it here, shape [n]: what a loss may count."""
        mask = [False] * len(self.tokens)
        for run in self.runs:
            if run.origin == "sampled":
                mask[run.start : run.stop] = [True] * (run.stop - run.start)
        return mask

    def training_ids(self) -> list[int]:
        """The token ids with `<|return|>` put back where the model sampled one last, shape [n]: what a model that is
        trained on the segment must learn to end with, where a prompt holds `<|end|>`."""
        ids = self.tokens.tolist()
        if self.returns:
            ids[self.returns[-1]] = RETURN
        return ids

    def to_json(self) -> dict[str, JsonValue]:
        """What `from_json` takes, as JSON values."""
        return {
            "reason": self.reason,
            "tokens": self.tokens.tolist(),
            "runs": [[r.origin, r.start, r.stop] for r in self.runs],
            "entries": [[e.role, e.channel, e.recipient, e.start, e.stop, e.turn, e.name] for e in self.entries],
            "returns": self.returns,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, JsonValue]) -> "Segment":
        """The segment that `to_json` wrote."""
        written = cast(Any, raw)
        return cls(
            reason=written["reason"],
            tokens=array("I", written["tokens"]),
            runs=[Run(*r) for r in written["runs"]],
            entries=[Entry(*e) for e in written["entries"]],
            returns=list(written["returns"]),
        )


class Prompt(Sequence[int]):
    """Token ids of a prompt, shape [n], as a view: making one costs the same at any length, and it stays what it is
    while its transcript grows."""

    __slots__ = ("_length", "_tail", "_tokens")

    def __init__(self, tokens: "array[int]", tail: Sequence[int] = ()) -> None:
        self._tokens = tokens
        self._length = len(tokens)
        self._tail = tuple(tail)

    def __len__(self) -> int:
        return self._length + len(self._tail)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1 and stop <= self._length:
                return self._tokens[start:stop].tolist()
            return self.tolist()[index]
        position = index if index >= 0 else len(self) + index
        if not 0 <= position < len(self):
            raise IndexError("prompt index out of range")
        return self._tokens[position] if position < self._length else self._tail[position - self._length]

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.tolist() == list(other)

    __hash__ = None  # type: ignore[assignment]  # a sequence that equals lists has no hash of its own

    def __repr__(self) -> str:
        return f"<Prompt of {len(self)} token ids>"

    def tolist(self) -> list[int]:
        """The token ids as a list, shape [n]."""
        return [*self._tokens[: self._length].tolist(), *self._tail]
