"""Training data from runs: the token ids of each segment, and which of them a loss may count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ossia import harmony
from ossia.agent.events import RunEnded, RunResumed, RunStarted, StepEnded
from ossia.agent.playback import Playback, Played, play
from ossia.agent.result import Outcome
from ossia.errors import UserError


@dataclass(frozen=True, slots=True)
class Counted:
    """Which messages of the model count; by default all that it sampled in the run and that was kept."""

    channels: Sequence[str] | None = None
    """`analysis`, `commentary`, `final`; None: every one."""
    recipients: Sequence[str] | None = None
    """Globs over whom a message calls, such as `python` or `browser.*`; `none` stands for messages that call nothing.
    None: every one."""

    @property
    def everything(self) -> bool:
        return self.channels is None and self.recipients is None

    def counts(self, message: harmony.Entry) -> bool:
        """Whether the message counts."""
        if self.channels is not None and message.channel not in self.channels:
            return False
        recipient = message.recipient or "none"
        return self.recipients is None or any(fnmatchcase(recipient, glob) for glob in self.recipients)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One segment of a run. Within a segment each prompt begins with the one before, so that one pass trains it all."""

    run_id: str
    session_id: str
    turn: int
    segment: int
    """Counts from 0 in the run."""
    reason: str
    """Why the segment was begun: `start`, or what was done to the one before."""
    model: str
    engine: str
    outcome: Outcome | None
    """None: the run did not come to its end."""
    limit: str | None
    forced: bool
    final: str | None
    token_ids: tuple[int, ...]
    """Shape [n]. The `<|return|>` that ended the segment is itself; in the middle it is `<|end|>`, as in the prompt."""
    loss_mask: tuple[int, ...]
    """Shape [n]: 1 where the model sampled just this id, after just those before it, and the message counts."""
    logprobs: tuple[float | None, ...] | None
    """Shape [n]: natural logarithms where `loss_mask` is 1; None: the run was sampled without them."""

    def to_json(self) -> str:
        """The record as one line of JSON."""
        return _RECORD.dump_json(self).decode()

    @classmethod
    def from_json(cls, line: str | bytes) -> "Record":
        """The record of one line. Raises `UserError` on a line that is none."""
        try:
            return _RECORD.validate_json(line)
        except ValidationError as error:
            raise UserError(f"The line is no record of an exported run: {error.errors()[0]['msg']}.") from error


_RECORD = TypeAdapter(Record)


def training_records(path: Path, counted: Counted | None = None) -> Iterator[Record]:
    """The records of a run, given the path of its journal: one for each segment in which anything counts.

    Of a session's earlier turns only the context is in a run's records: what they sampled counts in their own. Raises
    `UserError` where `path` is no journal, or one that can't be played back.
    """
    collected = _collect(path)
    segments = collected.playback.transcript.segments
    for index in range(collected.first, len(segments)):
        record = _record(collected, index, segments[index], counted or Counted())
        if any(record.loss_mask):
            yield record


@dataclass(slots=True)
class _Collected:
    playback: Playback
    first: int
    """Index of the segment in which the run began."""
    opened: int
    """Length of that segment at the beginning."""
    logprobs: dict[int, dict[int, float]]
    """By segment and position."""
    ended: RunEnded | None = None


def _collect(path: Path) -> _Collected:
    collected: _Collected | None = None
    for playback, played in play(path):
        match played.event:
            case RunStarted():
                collected = _Collected(playback, len(playback.transcript.segments) - 1, played.stop, {})
            case StepEnded() if collected and played.event.kept and played.event.logprobs:
                _keep_logprobs(collected, played, played.event.logprobs)
            case RunEnded() if collected:
                collected.ended = played.event
            case RunResumed() if collected:
                collected.ended = None
    assert collected is not None  # play begins with RunStarted, or raises
    return collected


def _keep_logprobs(collected: _Collected, played: Played, logprobs: Sequence[float]) -> None:
    segments = collected.playback.transcript.segments
    sampled = [run for run in segments[-1].origins(played.start, played.stop) if run.origin == "sampled"]
    values = collected.logprobs.setdefault(len(segments) - 1, {})
    for run in sampled:
        values.update(zip(range(run.start, run.stop), logprobs, strict=False))


def _record(collected: _Collected, index: int, segment: harmony.Segment, counted: Counted) -> Record:
    started, ended = collected.playback.started, collected.ended
    opened = collected.opened if index == collected.first else 0
    mask = _mask(segment, opened, counted)
    logprobs = collected.logprobs.get(index)
    return Record(
        run_id=started.run_id,
        session_id=started.session_id,
        turn=started.turn,
        segment=index - collected.first,
        reason=segment.reason,
        model=started.model,
        engine=started.engine,
        outcome=ended.outcome if ended else None,
        limit=ended.limit if ended else None,
        forced=ended.forced if ended else False,
        final=ended.final if ended else None,
        token_ids=tuple(segment.training_ids() if _ends_with_return(segment) else segment.tokens),
        loss_mask=tuple(map(int, mask)),
        logprobs=tuple(logprobs.get(n) if counts else None for n, counts in enumerate(mask)) if logprobs else None,
    )


def _ends_with_return(segment: harmony.Segment) -> bool:
    return bool(segment.returns) and segment.returns[-1] == len(segment.tokens) - 1


def _mask(segment: harmony.Segment, opened: int, counted: Counted) -> list[bool]:
    mask = segment.sampled_mask()
    mask[:opened] = [False] * opened
    for position in segment.returns:
        # An `<|end|>` in its place was never sampled.
        if position != len(mask) - 1:
            mask[position] = False
    if counted.everything:
        return mask
    counts = [False] * len(mask)
    for entry in segment.entries:
        if entry.role == "assistant" and counted.counts(entry):
            counts[entry.start : entry.stop] = [True] * (entry.stop - entry.start)
    return [a and b for a, b in zip(mask, counts, strict=True)]
