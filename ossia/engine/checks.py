"""What every engine refuses, in the same words, before it starts on a request."""

import difflib
from collections.abc import Collection, Mapping, Sequence

from ossia.engine.protocol import EngineInfo, Sampling
from ossia.errors import UserError
from ossia.types import Grammar, JsonValue


def check_request(
    info: EngineInfo, vocabulary: int, prompt: Sequence[int], sampling: Sampling, grammar: Grammar | None
) -> int:
    """The most token ids that may be sampled for a request, at least 1.

    Raises `UserError` when the prompt is empty, holds an id outside [0, vocabulary) or fills the context, when a
    sampling parameter is out of its range, or when `info.capabilities` lacks what is asked for.
    """
    _check_sampling(sampling)
    _check_capabilities(info, sampling, grammar)
    if not prompt:
        raise UserError("the prompt is empty: give at least one token id")
    if min(prompt) < 0 or max(prompt) >= vocabulary:
        at = next(i for i, token in enumerate(prompt) if not 0 <= token < vocabulary)
        raise UserError(f"token id {prompt[at]} at position {at} of the prompt is outside [0, {vocabulary})")
    room = info.max_context - len(prompt)
    if room < 1:
        raise UserError(
            f"the prompt has {len(prompt)} token ids and the context of {info.spec} holds {info.max_context}, "
            "completion included: shorten the prompt"
        )
    return room if sampling.max_tokens is None else min(room, sampling.max_tokens)


def _check_sampling(sampling: Sampling) -> None:
    if not 0 <= sampling.temperature < float("inf"):
        raise UserError(f"temperature is {sampling.temperature}: give 0 (greedy) or more")
    if not 0 < sampling.top_p <= 1:
        raise UserError(f"top_p is {sampling.top_p}: give a share in (0, 1]")
    if sampling.top_k < 0:
        raise UserError(f"top_k is {sampling.top_k}: give 0 (all of the vocabulary) or more")
    if sampling.max_tokens is not None and sampling.max_tokens < 1:
        raise UserError(f"max_tokens is {sampling.max_tokens}: give 1 or more, or None")
    if sampling.seed is not None and sampling.seed < 0:
        raise UserError(f"seed is {sampling.seed}: give 0 or more, or None")


def _check_capabilities(info: EngineInfo, sampling: Sampling, grammar: Grammar | None) -> None:
    asked = {
        "grammar": grammar is not None and not info.capabilities.grammar,
        "logprobs": sampling.logprobs and not info.capabilities.logprobs,
        "seed": sampling.seed is not None and not info.capabilities.seed,
    }
    if lacking := [name for name, refused in asked.items() if refused]:
        raise UserError(f"the engine {info.spec} cannot do this: {', '.join(lacking)}")


def refuse_unknown(kind: str, options: Mapping[str, JsonValue], known: Collection[str]) -> None:
    """Raises `UserError` for an option that an engine of this kind does not have, with the nearest one that it has."""
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known) or 'none'}"
            raise UserError(f"the engine {kind} has no option {name!r}: {hint}")
