"""The opener of `replay:RUN`: the completions of a journal, each with the prompt that it was sampled for."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ossia import harmony
from ossia.agent.events import RunStarted, StepEnded, StepStarted
from ossia.agent.journal import journal_path
from ossia.agent.playback import play
from ossia.engine import Finish, Progress, Sampling
from ossia.engine.checks import refuse_unknown
from ossia.engine.replay import RecordedCompletion, ReplayEngine
from ossia.errors import UserError
from ossia.types import JsonValue

_SAMPLING = TypeAdapter(Sampling)
_FINISHES: Mapping[str | None, Finish] = {"stop": "stop", "length": "length"}
_MODEL_CONTEXT = 131_072


async def open_replay(spec: str, options: Mapping[str, JsonValue], progress: Progress | None) -> ReplayEngine:
    """The engine of `replay:RUN`; RUN is the id of a run, or the path of its journal.

    The earlier runs of its session are served too. Option `max_context`: token ids, where the engine that recorded
    the run had fewer than the model takes. Raises `UserError` where RUN is no run that can be read.
    """
    refuse_unknown("replay", options, ("max_context",))
    context = options.get("max_context", _MODEL_CONTEXT)
    if not isinstance(context, int) or isinstance(context, bool) or context < 1:
        raise UserError(f"max_context is {context!r}: give a number of token ids, 1 or more")
    run = spec.partition(":")[2].strip()
    if not run:
        raise UserError("replay names no run: write replay:RUN, with the id of a run or the path of its journal")
    started, completions = await asyncio.to_thread(_read_session, journal_path(run))
    return ReplayEngine(
        completions,
        spec=spec,
        model=started.model,
        max_context=context,
        default_sampling=_sampling(started),
        decode=harmony.encoding().decode,
    )


def recorded_completions(path: Path) -> Iterator[RecordedCompletion]:
    """The completions of a journal in order, the discarded ones too. Raises `UserError` where it can't be read."""
    prompt_tokens = 0
    for playback, played in play(path):
        event = played.event
        if isinstance(event, StepStarted):
            prompt_tokens = event.prompt_tokens
        elif isinstance(event, StepEnded):
            transcript = playback.transcript
            # What was kept stands behind its prompt now, a forced header before it; what was not has left no trace.
            grown = played.stop > played.start
            asked = transcript.segments[-1].tokens[:prompt_tokens] if grown else transcript.prompt()
            yield RecordedCompletion(tuple(asked), event.token_ids, event.logprobs, _FINISHES.get(event.finish))


def _read_session(path: Path) -> tuple[RunStarted, list[RecordedCompletion]]:
    """How a run began, and its completions behind those of the earlier runs of its session."""
    _, first = next(play(path))
    assert isinstance(first.event, RunStarted), "a journal begins with it, or `play` has raised"
    completions = list(recorded_completions(path))
    if first.event.previous is not None:
        completions = _read_session(path.with_name(f"{first.event.previous}.jsonl"))[1] + completions
    return first.event, completions


def _sampling(started: RunStarted) -> Sampling:
    """How the run was sampled, so that a replay's journal says the same."""
    try:
        return _SAMPLING.validate_python(started.config.get("sampling", {}))
    except ValidationError:
        return Sampling()
