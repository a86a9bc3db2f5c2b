"""Going on with a run that was cut off: its events read back, its transcript and its sandbox made again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import JsonValue

from ossia import harmony
from ossia.agent._turn import to_message
from ossia.agent.events import AnswerRefused, CallEnded, Event, RunEnded, RunResumed, RunStarted, StepEnded
from ossia.agent.journal import Journal, blob_path, digest, new_run_id, read_journal
from ossia.agent.playback import LOST as LOST
from ossia.agent.playback import Playback, first_event
from ossia.agent.result import ToolCall
from ossia.errors import UserError
from ossia.tools.protocol import OpenTool


@dataclass(slots=True)
class Recorded:
    """A journal, read back."""

    path: Path
    playback: Playback
    messages: list[harmony.Message] = field(default_factory=list)
    calls: list[tuple[ToolCall, str]] = field(default_factory=list)
    """Answered calls, each with the SHA-256 of what its tool said."""
    refused: bool = False
    """The answer was asked for again."""
    final: str | None = None
    """The answer, where the last completion gave it and only the outcome was not written any more."""
    steps: int = 0
    tokens: int = 0
    ended: RunEnded | None = None

    @property
    def directory(self) -> Path:
        return self.path.parent

    @property
    def started(self) -> RunStarted:
        return self.playback.started

    @property
    def transcript(self) -> harmony.Transcript:
        return self.playback.transcript

    @property
    def asked(self) -> list[harmony.ParsedMessage]:
        """Calls of the last completion that were not answered yet."""
        return self.playback.asked

    @property
    def interrupted(self) -> bool:
        """The first of them had begun."""
        return self.playback.interrupted

    def apply(self, event: Event) -> None:
        """Take the next event of the journal."""
        asked = self.asked
        played = self.playback.apply(event)
        if len(self.asked) < len(asked) and isinstance(event, CallEnded | RunResumed):
            self._answered(asked[0], event)
        match event:
            case StepEnded():
                self._step(event, played.completion)
            case AnswerRefused():
                self.messages.append(harmony.Message("user", event.text))
                self.refused, self.final = True, None
            case RunEnded():
                self.ended = event
            case RunResumed():
                self.ended = None
            case _:
                pass

    def _step(self, event: StepEnded, completion: harmony.Completion | None) -> None:
        self.tokens += len(event.token_ids)
        if not event.kept or completion is None:
            return
        self.messages += map(to_message, completion.messages)
        self.steps += 1
        self.final = None if completion.calls or event.finish != "stop" else completion.final

    def _answered(self, call: harmony.ParsedMessage, event: Event) -> None:
        channel, recipient = call.channel or "commentary", call.recipient or ""
        text = self.transcript.text(self.transcript.entries[-1])
        self.messages.append(harmony.Message("tool", text, channel, name=recipient))
        if isinstance(event, CallEnded):
            answered = ToolCall(recipient, call.text, event.text, event.error, event.seconds)
            self.calls.append((answered, event.output))


def refuse_ended(recorded: Recorded) -> None:
    """Raise `UserError` where a run has ended for good.

    One that was stopped, that a part of ours failed, or that met a limit and gave no forced answer can go on.
    """
    ended = recorded.ended
    if ended and (ended.outcome not in ("cancelled", "infrastructure", "limit") or ended.forced):
        how = f"{ended.outcome}, with a forced answer" if ended.forced else ended.outcome
        raise UserError(f"The run {recorded.path.stem} has ended ({how}): there is nothing to resume.")


def read_recorded(path: Path, *, until_step: int | None = None) -> Recorded:
    """A journal read back, whole or up to and with a step (counted from 1). Raises `UserError` where that can't be."""
    events = read_journal(path)
    recorded = Recorded(path, Playback(first_event(events, path)))
    recorded.messages.append(harmony.Message("user", recorded.started.text))
    for event in events:
        # The step's calls belong to it, so the cut is before the next completion.
        if until_step is not None and recorded.steps >= until_step and isinstance(event, StepEnded):
            return recorded
        recorded.apply(event)
    if until_step is not None and recorded.steps < until_step:
        raise UserError(f"{path} has {recorded.steps} steps: there is none to fork at {until_step}.")
    return recorded


def fork_journal(path: Path, step: int, *, fsync: bool) -> tuple[str, Journal]:
    """A new run's id and journal, which begins with the events of `path` up to and with a step."""
    run_id = new_run_id()
    journal = Journal(path.with_name(f"{run_id}.jsonl"), fsync=fsync)
    kept = 0
    for event in read_journal(path):
        if isinstance(event, StepEnded) and event.kept:
            if kept == step:
                break
            kept += 1
        if isinstance(event, RunEnded):
            continue  # how the other run ended is nothing that the two share
        journal.write(replace(event, run_id=run_id) if isinstance(event, RunStarted) else event)
    return run_id, journal


def earlier_runs(recorded: Recorded) -> list[Recorded]:
    """The runs before this one in the same session, the first one first."""
    chain: list[Recorded] = []
    previous = recorded.started.previous
    while previous is not None:
        chain.append(read_recorded(recorded.directory / f"{previous}.jsonl"))
        previous = chain[-1].started.previous
    return chain[::-1]


def refuse_changes(recorded: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> None:
    """Raise `UserError` with the difference where an agent is not the one that a run was recorded with."""
    changed = [name for name in sorted({*recorded, *now}) if recorded.get(name) != now.get(name)]
    if changed:
        name = changed[0]
        raise UserError(
            f"The run was recorded with {name}={recorded.get(name)!r}, and the agent has {now.get(name)!r}: "
            "a run is resumed by the agent that it began with."
        )


def load_blobs(recorded: Recorded) -> dict[str, bytes]:
    """The files that were put into a run's sandbox. Raises `UserError` where they are gone or not what they were."""
    files = {}
    for name, sha in recorded.started.files.items():
        path = blob_path(recorded.directory, sha)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError(f"The file {name} of the run is gone: {path}: {error.strerror}.") from error
        if digest(data) != sha:
            raise UserError(f"The file {name} of the run has changed: {path}.")
        files[name] = data
    return files


async def run_again(calls: Iterable[tuple[ToolCall, str]], tools: Mapping[str, OpenTool]) -> list[int]:
    """Run recorded sandbox calls in a fresh sandbox; the indices of those that did not say the same."""
    differing = []
    for index, (call, output) in enumerate(calls):
        result = await tools[call.recipient].call(call.recipient, call.arguments)
        if digest(result.text.encode()) != output:
            differing.append(index)
    return differing
