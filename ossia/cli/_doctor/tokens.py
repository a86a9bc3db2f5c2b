"""Probes of what goes in and out: token ids as they are, and both stop ids."""

from ossia import harmony
from ossia.cli._doctor.finding import Finding
from ossia.cli._doctor.prompts import NOISE, encode, filler, noise, question, split
from ossia.engine import STOP_TOKEN_IDS, Engine, Sampled, Sampling, sample
from ossia.tools import Python

_SPLIT_WORDS = 70
"""Enough letters to fill several blocks of any prefix cache."""
_BABBLE, _TRIES = 64, 8
"""By chance a short completion is what a tokenizer gives (nano: of 48 ids one in three); eight are not."""
_TEXT_SERVER = "Use a server that takes and gives token ids: it makes text of them on the way."
_TOLD_APART = 0.01
"""Log probabilities of the same ids differ by less than this between two calls, by rounding."""


async def go_in(engine: Engine) -> Finding:
    """Are token ids taken as given? Two prompts of the same text, one in ids that no tokenizer gives, must differ.

    A server that makes text of the ids sees the same prompt twice: its cache then serves more than they share, and its
    answers and their probabilities are the same.
    """
    what = "token ids in"
    text = filler(_SPLIT_WORDS)
    usual, letters = encode(text), split(text)
    head, tail = question("")[:-3], encode("<|end|><|start|>assistant")
    sampling = Sampling(temperature=0.0, max_tokens=8, logprobs=engine.info.capabilities.logprobs)
    prompts = [[*head, *usual, *tail], [*head, *letters, *tail], [*head, *letters, *tail]]
    one, other, again = [await sample(engine, prompt, sampling, key="doctor") for prompt in prompts]
    shared = len(head) + next(i for i, (a, b) in enumerate(zip(usual, letters, strict=False)) if a != b)
    if (other.cached_tokens or 0) > shared:
        found = f"two prompts that share {shared} ids were taken for the same ({other.cached_tokens} from the cache)"
        return Finding(what, "wrong", found, _TEXT_SERVER)
    if (again.cached_tokens or 0) > shared or _differ(one, other):
        return Finding(what, "ok", "taken as given: another split of the same text is another prompt")
    if one.logprobs is None:
        return Finding(what, "unmeasured", "two splits of a text gave the same answer, and no logprobs")
    found = "another split of the same text gives the same ids with the same probabilities"
    return Finding(what, "wrong", found, _TEXT_SERVER)


def _differ(one: Sampled, other: Sampled) -> bool:
    if one.token_ids != other.token_ids:
        return True
    pairs = zip(one.logprobs or (), other.logprobs or (), strict=True)
    return any(abs(a - b) > _TOLD_APART for a, b in pairs)


async def come_out(engine: Engine) -> Finding:
    """Are token ids given as sampled? Noise is hardly ever what a tokenizer would make of its text."""
    what = "token ids out"
    babble = Sampling(temperature=NOISE, max_tokens=_BABBLE)
    seen = 0
    for _ in range(_TRIES):
        ids = list((await sample(engine, noise(64), babble, key="doctor")).token_ids)
        if encode(harmony.encoding().decode(ids)) != ids:
            return Finding(what, "ok", f"given as sampled: {len(ids)} ids that no tokenizer gives")
        seen += len(ids)
    if seen < _TRIES * _BABBLE // 2:
        return Finding(what, "unmeasured", f"the model wrote only {seen} ids at temperature {NOISE:g}")
    return Finding(what, "wrong", f"{seen} ids of noise are just those that their text is tokenized to", _TEXT_SERVER)


async def stops_at_return(engine: Engine) -> Finding:
    prompt = question("Hello!", forced="<|channel|>final<|message|>Hello!")
    return await _stops(engine, prompt, STOP_TOKEN_IDS[0], "<|return|>")


async def stops_at_call(engine: Engine) -> Finding:
    forced = "<|channel|>analysis to=python code<|message|>print(48213 * 777)"
    prompt = question("What is 48213 * 777?", tools=(Python().namespace,), forced=forced)
    return await _stops(engine, prompt, STOP_TOKEN_IDS[1], "<|call|>")


async def _stops(engine: Engine, prompt: list[int], wanted: int, name: str) -> Finding:
    """Does a completion end at the stop id, with the id and with "stop"?"""
    what = f"stops at {name}"
    done = await sample(engine, prompt, Sampling(temperature=0.0, max_tokens=64), key="doctor")
    ids, last = done.token_ids, done.token_ids[-1] if done.token_ids else None
    advice = f"Have the server stop at the ids {STOP_TOKEN_IDS} and return them."
    passed = next((i for i, token in enumerate(ids[:-1]) if token in STOP_TOKEN_IDS), None)
    if passed is not None:
        return Finding(what, "wrong", f"it went on for {len(ids) - passed - 1} ids behind {ids[passed]}", advice)
    if last in STOP_TOKEN_IDS and done.finish != "stop":
        return Finding(what, "wrong", f"it ended with {last}, and its finish is {done.finish!r}", advice)
    if done.finish == "stop" and last not in STOP_TOKEN_IDS:
        return Finding(what, "wrong", f"it says that it stopped, and its last id is {last}: no stop id", advice)
    if last != wanted:
        return Finding(what, "unmeasured", f"the model did not write {name} in {len(ids)} ids")
    return Finding(what, "ok", f"ended with {wanted} after {len(ids)} ids, finish {done.finish!r}")
