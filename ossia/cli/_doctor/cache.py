"""Probes of the prefix cache: whether it is told of, and whether it keeps what the model has written."""

from ossia import harmony
from ossia.cli._doctor.finding import Finding
from ossia.cli._doctor.prompts import NOISE, encode, noise
from ossia.engine import Engine, Sampling, sample

_PROMPT = 3 * 128 - 8
"""Token ids, eight short of a whole block of any size up to 128: the next block is full with the model's own words."""
_GENERATED = 24
_TRIES = 4
"""Now and then a model stops before it has written enough to see it in the cache."""


async def reports(engine: Engine) -> Finding:
    """Does it tell how much of a prompt came from the cache?"""
    prompt = noise(_PROMPT)
    cached = [
        (await sample(engine, prompt, Sampling(max_tokens=1), key="doctor-reports")).cached_tokens for _ in range(2)
    ]
    if cached[1] is None:
        advice = "vLLM's server tells with --enable-prompt-tokens-details."
        return Finding("cached tokens", "absent", "not told: usage counts none, the next row has none", advice)
    found = f"told: of {len(prompt)} ids {cached[0] or 0} the first time, {cached[1]} the second"
    return Finding("cached tokens", "ok", found)


async def keeps_generated(engine: Engine) -> Finding:
    """After a turn, is the model's own part of the next prompt served from the cache?"""
    what = "prefix cache"
    babble = Sampling(temperature=NOISE, max_tokens=_GENERATED)
    for _ in range(_TRIES):
        prompt = noise(_PROMPT)
        turn = await sample(engine, prompt, babble, key="doctor-cache")
        if len(turn.token_ids) >= _GENERATED // 2:
            break
    if len(turn.token_ids) < _GENERATED // 2:
        return Finding(what, "unmeasured", f"the model stopped after {len(turn.token_ids)} ids")
    following = [*prompt, *turn.token_ids, *harmony.render_user("Go on."), *encode("<|start|>assistant")]
    cached = (await sample(engine, following, Sampling(max_tokens=1), key="doctor-cache")).cached_tokens
    if cached is None:
        return Finding(what, "unmeasured", "the engine does not tell")
    found = f"{cached} of the {len(prompt) + len(turn.token_ids)} ids of a turn were served from it"
    if cached > len(prompt):
        return Finding(what, "ok", f"{found}, the model's own among them")
    if cached:
        advice = "vLLM: --prefix-cache-retention-interval None, else each step pays for what the last one wrote."
        return Finding(what, "wrong", f"{found}, none of what the model wrote", advice)
    if not engine.info.capabilities.prefix_cache:
        return Finding(what, "absent", "the engine has none: each step pays for its whole prompt")
    advice = "Turn prefix caching on; behind a balancer, keep a session on one replica."
    return Finding(what, "wrong", f"{found}: each step pays for its whole prompt", advice)
