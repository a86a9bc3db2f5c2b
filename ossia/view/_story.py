"""A run's journal, made into what its page shows."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ossia import harmony
from ossia.agent.events import (
    AnswerRefused,
    CallEnded,
    CallStarted,
    ContextRewritten,
    Event,
    RunEnded,
    RunResumed,
    RunStarted,
    SandboxOpened,
    StepEnded,
    StepStarted,
)
from ossia.agent.playback import Playback, Played, play
from ossia.errors import UserError
from ossia.types import JsonValue
from ossia.view._images import Images
from ossia.view._messages import parsed_message, rendered_message
from ossia.view._model import Bar, Fact, Message, Picture, Remark, Result, Step, Story, Totals
from ossia.view._text import CLOSED, PROSE, RESULT, Shown, show, visible
from ossia.view._tokens import Piece, Tokens, segment_pieces


def read_story(path: Path) -> tuple[Story, Tokens]:
    """What the page of the run at `path` shows, and its raw tokens.

    Raises `UserError` where `path` is no journal, or one that can't be played back.
    """
    teller: _Teller | None = None
    for playback, played in play(path):
        if teller is None:
            teller = _Teller(path, playback)
        else:
            teller.take(played)
    if teller is None:
        raise UserError(f"{path} holds no run.")
    return teller.story(), teller.tokens


class _Teller:
    """Takes a run's events, one after another."""

    def __init__(self, path: Path, playback: Playback) -> None:
        self.tokens = Tokens()
        self._playback = playback
        self._images = Images(path.parent)
        self._totals = Totals()
        self._blocks: list[Step | Remark] = []
        self._spans: list[tuple[str, float, float, Step, str]] = []
        self._sandbox = ""
        self._ended: RunEnded | None = None
        self._asked: StepStarted | None = None
        self._called: CallStarted | None = None
        self._first = self._last = playback.started.time
        self._opening = [self._opened(entry) for entry in playback.transcript.entries]

    def take(self, played: Played) -> None:
        """The next event."""
        self._last = max(self._last, played.event.time)
        match played.event:
            case StepStarted():
                self._asked = played.event
            case StepEnded():
                self._step(played, played.event)
            case CallStarted():
                self._called = played.event
            case CallEnded():
                self._result(played, played.event)
            case RunEnded():
                self._ended = played.event
            case event:
                if isinstance(event, RunResumed):
                    self._ended = None
                self._remark(played, event)

    # What the run began with

    def _opened(self, entry: harmony.Entry) -> Message:
        segment, text = self._playback.transcript.segments[-1], self._playback.transcript.text(entry)
        return rendered_message(entry, text, self.tokens.add(segment_pieces(segment, entry.start, entry.stop)))

    # Completions

    def _step(self, played: Played, event: StepEnded) -> None:
        asked, completion = self._asked, played.completion or harmony.Completion()
        self._asked = None
        step = Step(
            number=event.step + 1,
            attempt=event.attempt,
            prompt_tokens=asked.prompt_tokens if asked else 0,
            sampled_tokens=len(event.token_ids),
            cached_tokens=event.cached_tokens,
            seconds=event.seconds,
            finish=visible(event.finish or "unknown"),
            kept=event.kept,
            reason=visible(event.reason or ""),
            forced=event.forced,
            repairs=Counter(map(visible, event.repairs)),
            messages=[parsed_message(message) for message in completion.messages],
            tokens=self.tokens.add(self._step_pieces(played, event, completion.kept)),
            unanswered=[visible(m.recipient or "") for m in self._playback.asked] if event.kept else (),
        )
        self._blocks.append(step)
        self._count(step)
        begin = asked.time if asked else event.time - event.seconds
        self._spans.append(("chat", begin, event.time, step, f"Step {step.number}: {step.sampled_tokens} tokens"))

    def _step_pieces(self, played: Played, event: StepEnded, kept: int) -> Iterator[Piece]:
        """What was put before a completion, its ids as they were sampled, and what was put behind them."""
        if not event.kept:
            yield Piece("discarded", event.token_ids, event.logprobs)
            return
        logprobs = event.logprobs or ()
        for piece in segment_pieces(self._playback.transcript.segments[-1], played.start, played.stop):
            if piece.origin == "sampled":
                yield Piece("sampled", event.token_ids[:kept], logprobs[:kept] or None)
            else:
                yield piece
        yield Piece("left out", event.token_ids[kept:], logprobs[kept:] or None)

    def _count(self, step: Step) -> None:
        totals = self._totals
        totals.steps += step.kept
        totals.prompt_tokens += step.prompt_tokens
        totals.sampled_tokens += step.sampled_tokens
        totals.engine_seconds += step.seconds
        totals.repairs.update(step.repairs)
        if step.cached_tokens is not None:
            totals.cached_tokens = (totals.cached_tokens or 0) + step.cached_tokens
        if not step.kept:
            totals.discarded += 1
            totals.discarded_tokens += step.sampled_tokens

    # Calls

    def _result(self, played: Played, event: CallEnded) -> None:
        step, called = self._current(), self._called
        begin = called.time if called else event.time - event.seconds
        segment = self._playback.transcript.segments[-1]
        result = Result(
            number=event.call + 1,
            recipient=visible(event.recipient),
            error=event.error,
            text=show(event.text, RESULT),
            pictures=[Picture(*self._images.uri(name)) for name in event.images],
            details={visible(k): visible(str(v)) for k, v in event.details.items() if v and k != "seconds"},
            seconds=event.seconds,
            tokens=self.tokens.add(segment_pieces(segment, played.start, played.stop)),
            token_count=played.stop - played.start,
        )
        step.events.append(result)
        self._called = None
        step.unanswered = step.unanswered[1:]
        self._totals.calls += 1
        self._totals.tool_seconds += event.seconds
        self._spans.append(("tool", begin, event.time, step, f"{result.recipient}: {event.seconds:.2f} s"))

    def _current(self) -> Step:
        for block in reversed(self._blocks):
            if isinstance(block, Step) and block.kept:
                return block
        raise UserError(f"The run {self._playback.started.run_id} has an answer before its first completion.")

    # What happens between

    def _remark(self, played: Played, event: Event) -> None:
        segment = self._playback.transcript.segments[-1]
        match event:
            case SandboxOpened():
                self._sandbox = visible(event.description)
                self._add(Remark(f"sandbox opened in {event.seconds:.1f} s: {self._sandbox}"))
            case RunResumed():
                tokens = None
                if played.stop > played.start:
                    tokens = self.tokens.add(segment_pieces(segment, played.start, played.stop))
                self._add(Remark(_resumed(event, told=tokens is not None), tokens))
            case AnswerRefused():
                tokens = self.tokens.add(segment_pieces(segment, played.start, played.stop))
                note = "asked again: the answer had not the form that was asked for"
                self._current().events.append(Message("user", "user", [show(event.text, PROSE)], tokens, note))
            case ContextRewritten():
                tokens = self.tokens.add(segment_pieces(segment, 0, len(segment.tokens)))
                text = f"context rewritten: {visible(event.reason)}; it holds {len(segment.tokens):,} tokens now"
                self._add(Remark(text, tokens))
            case _:
                pass

    def _add(self, remark: Remark) -> None:
        (self._current().events if self._called else self._blocks).append(remark)

    # The whole

    def story(self) -> Story:
        """All that was taken."""
        started, ended = self._playback.started, self._ended
        if self._asked:
            self._blocks.append(Remark("a completion was under way when the run ended; nothing of it was kept"))
        special = sum(m.kind in ("system", "developer") for m in self._opening)
        return Story(
            run_id=visible(started.run_id),
            outcome=ended.outcome if ended else "unfinished",
            reason=visible(_reason(ended)),
            final=show(ended.final, PROSE) if ended and ended.final is not None else None,
            facts=[Fact(name, visible(value)) for name, value in self._facts(started, ended)],
            opening=[*self._opening[:special], *self._opening[-1:]],
            earlier=self._opening[special:-1],
            blocks=self._blocks,
            bars=self._bars(),
            totals=self._totals,
            inputs={visible(name): visible(sha) for name, sha in started.files.items()},
            outputs={visible(name): size for name, size in ended.files.items()} if ended else {},
            config=_json(started.config),
            task=None if started.task is None else _json(started.task),
        )

    def _facts(self, started: RunStarted, ended: RunEnded | None) -> Iterator[tuple[str, str]]:
        yield "model", started.model
        yield "engine", started.engine
        if started.note:
            yield "note", started.note
        if self._sandbox:
            yield "sandbox", self._sandbox
        yield "started", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(started.time))
        yield "session", f"{started.session_id}, turn {started.turn}"
        if started.previous:
            yield "run before", started.previous
        if ended and ended.forced:
            yield "answer", "forced after a limit"

    def _bars(self) -> list[Bar]:
        whole = max(self._last - self._first, 1e-3)
        bars = []
        for kind, begin, end, step, text in self._spans:
            start = min(max((begin - self._first) / whole * 1000, 0.0), 1000.0)
            width = min(max((end - begin) / whole * 1000, 0.6), 1000.0 - start)
            bars.append(Bar("chat" if kind == "chat" else "tool", start, width, step.anchor, text))
        return bars


def _resumed(event: RunResumed, *, told: bool) -> str:
    text = f"resumed in a fresh sandbox; {event.calls} recorded call{'s' * (event.calls != 1)} ran again"
    if event.differing:
        text += f", {len(event.differing)} of them with another answer: state was lost"
    return text + ("; the model was told that its call had been interrupted" if told else "")


def _reason(ended: RunEnded | None) -> str:
    if ended is None:
        return "The journal ends before the run did."
    if ended.limit:
        return f"The limit {ended.limit!r} was reached."
    return ended.error or ""


def _json(value: JsonValue) -> Shown:
    return show(json.dumps(value, ensure_ascii=False, indent=2), CLOSED, "json")
