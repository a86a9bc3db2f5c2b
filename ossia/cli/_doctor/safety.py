"""Probes of what an engine has to bear: an abort, a prompt that is too long, ids that do not exist."""

import time
from collections.abc import Sequence

from ossia import harmony
from ossia.cli._doctor.finding import Finding
from ossia.cli._doctor.prompts import NOISE, noise, question
from ossia.engine import Engine, Sampling, sample
from ossia.engine.sampled import closing
from ossia.errors import UserError

_SOON = 2.0
"""Seconds within which an abort has to return."""
_MODEL_CONTEXT = 131_072
_SHORT = Sampling(temperature=0.0, max_tokens=4)


async def aborts(engine: Engine) -> Finding:
    """Does leaving a completion return soon, and does the engine go on?"""
    most = min(4096, engine.info.max_context // 2)
    babble = Sampling(temperature=NOISE, max_tokens=most)
    ended = False
    got = 0
    async with closing(engine.generate(noise(64), babble, key="doctor-abort")) as chunks:
        async for chunk in chunks:
            got += len(chunk.token_ids)
            ended = chunk.finish is not None
            if got >= 4:
                break
        started = time.monotonic()
    seconds = time.monotonic() - started
    if ended:
        return Finding("abort", "unmeasured", f"the completion was over after {got} ids")
    await sample(engine, question("Hello!"), _SHORT, key="doctor")
    if seconds > _SOON:
        return Finding("abort", "wrong", f"it took {seconds:.1f} s to return", "Cancelled runs hold a slot so long.")
    return Finding("abort", "ok", f"returned in {seconds * 1000:.0f} ms after {got} of {most} ids; the engine goes on")


async def refuses_too_long(engine: Engine) -> Finding:
    """Is a prompt that the context does not hold refused, and does the engine go on?"""
    context = engine.info.max_context
    found = f"{context:,} token ids"
    if not await _refuses(engine, [*question("Hello!"), *[harmony.encoding().encode(" a")[0]] * context]):
        return Finding("context", "wrong", f"{found}; a longer prompt is taken, and cut unseen", "Fix max_model_len.")
    advice = "The model takes 131,072: give the server a longer context." if context < _MODEL_CONTEXT else ""
    return Finding("context", "ok", f"{found}; a longer prompt is refused", advice)


async def refuses_bad_ids(engine: Engine) -> Finding:
    """Is an id outside the vocabulary refused? It kills vLLM's engine where nobody looks."""
    if not await _refuses(engine, [*question("Hello!"), harmony.VOCABULARY]):
        return Finding("bad ids", "wrong", f"the id {harmony.VOCABULARY} is taken", "It may kill the server.")
    return Finding("bad ids", "ok", f"the id {harmony.VOCABULARY} is refused; the engine goes on")


async def _refuses(engine: Engine, prompt: Sequence[int]) -> bool:
    try:
        await sample(engine, prompt, _SHORT, key="doctor")
    except UserError:
        await sample(engine, question("Hello!"), _SHORT, key="doctor")
        return True
    return False
