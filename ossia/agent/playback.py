"""A journal played back: its events, one after another, make the transcript again that they were written from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ossia import harmony
from ossia.agent._turn import INTERRUPTED
from ossia.agent.events import (
    AnswerRefused,
    CallEnded,
    CallStarted,
    ContextRewritten,
    Event,
    RunResumed,
    RunStarted,
    StepEnded,
    StepStarted,
)
from ossia.agent.journal import read_journal
from ossia.errors import UserError

LOST = "[The notebook and shell were started afresh, and some earlier outputs differ: do not rely on earlier state.]\n"
"""What the model is told, before the next result, where the calls that ran again did not say the same."""


@dataclass(frozen=True, slots=True)
class Played:
    """An event, and what it did to the transcript."""

    event: Event
    start: int
    """Token ids `[start, stop)` of the current segment are what it added."""
    stop: int
    completion: harmony.Completion | None = None
    """Of a `StepEnded`: its token ids, parsed, whether they were kept or not."""


class Playback:
    """Follows a run through its events. `transcript` is where the run stood after the last event that was applied."""

    def __init__(self, started: RunStarted) -> None:
        self.started = started
        self.transcript = harmony.Transcript.from_json_lines(started.transcript)
        self.asked: list[harmony.ParsedMessage] = []
        """Calls of the last completion that were not answered yet."""
        self.interrupted = False
        """The first of them had begun."""
        self._prompt_tokens: int | None = None

    def apply(self, event: Event) -> Played:
        """Take the next event. Raises `UserError` where it does not fit the ones before it."""
        start, completion = len(self.transcript), None
        match event:
            case StepStarted():
                self._prompt_tokens = event.prompt_tokens
            case StepEnded():
                completion = self._step(event)
            case CallStarted():
                self.interrupted = True
            case CallEnded():
                self._answer(event.recipient, event.text)
            case RunResumed():
                self._resume(event)
            case AnswerRefused():
                self.transcript.append_user(event.text)
            case ContextRewritten():
                self.transcript = harmony.Transcript.from_json_lines(event.transcript)
                start = 0
            case _:
                pass
        return Played(event, start, len(self.transcript), completion)

    def _step(self, event: StepEnded) -> harmony.Completion:
        before = len(self.transcript.prompt())
        if event.forced:
            self.transcript.force_final()
        prompt = self.transcript.prompt()
        if self._prompt_tokens not in (None, len(prompt)):
            raise UserError(
                f"Step {event.step + 1} of the run {self.started.run_id} had a prompt of {self._prompt_tokens} token "
                f"ids, and its journal gives {len(prompt)}: something is missing in it."
            )
        parsed = harmony.parse_completion(event.token_ids, self.transcript.recipients, prefix=prompt[before:])
        if event.kept:
            self.transcript.append_completion(event.token_ids[: parsed.kept], parsed)
            self.asked = [call for call in parsed.calls if call.complete]
        return parsed

    def _answer(self, recipient: str, text: str) -> None:
        if not self.asked:
            raise UserError(f"The run {self.started.run_id} has an answer of {recipient!r}, which nobody asked.")
        call, self.asked = self.asked[0], self.asked[1:]
        self.transcript.append_tool(recipient, text, call.channel or "commentary")
        self.interrupted = False

    def _resume(self, event: RunResumed) -> None:
        """A call that was cut in the middle was answered with that it was, before the run went on."""
        if self.interrupted and self.asked:
            self._answer(self.asked[0].recipient or "", (LOST if event.differing else "") + INTERRUPTED)


def play(path: Path) -> Iterator[tuple[Playback, Played]]:
    """The events of a journal from `RunStarted` on, each with the playback as it stands after it.

    Raises `UserError` where `path` is no journal, or holds no run.
    """
    events = read_journal(path)
    started = first_event(events, path)
    playback = Playback(started)
    yield playback, Played(started, 0, len(playback.transcript))
    for event in events:
        yield playback, playback.apply(event)


def first_event(events: Iterator[Event], path: Path) -> RunStarted:
    """The event that a journal begins with. Raises `UserError` where it holds no run."""
    started = next(events, None)
    if not isinstance(started, RunStarted):
        raise UserError(f"{path} holds no run: its process died before it began.")
    return started
