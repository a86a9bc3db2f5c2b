"""Probes of what the model writes: at all, by effort, with probabilities, within a grammar."""

import math
import time

from ossia import harmony
from ossia.cli._doctor.finding import Finding
from ossia.cli._doctor.prompts import NOISE, question
from ossia.engine import STOP_TOKEN_IDS, Engine, Sampling, sample
from ossia.engine.sampled import closing
from ossia.types import Effort, JsonSchema

_SCHEMA: JsonSchema = {
    "type": "object",
    "properties": {"answer": {"type": "boolean"}},
    "required": ["answer"],
    "additionalProperties": False,
}
_THOUGHT = 256
"""Most token ids of a completion whose length is compared."""


async def completes(engine: Engine) -> Finding:
    """Does it answer, and how fast?"""
    started = time.monotonic()
    first = None
    ids: list[int] = []
    sampling = Sampling(temperature=0.0, max_tokens=64)
    async with closing(engine.generate(question("Hello!"), sampling, key="doctor")) as chunks:
        async for chunk in chunks:
            first = first or time.monotonic() - started
            ids += chunk.token_ids
    seconds = time.monotonic() - started
    if first is None or not ids:
        return Finding("completion", "wrong", "a greeting gave no token ids", "Look at the server's log.")
    return Finding("completion", "ok", f"{len(ids)} ids in {seconds:.2f} s, the first after {first:.2f} s")


async def heeds_effort(engine: Engine) -> Finding:
    """Does it think longer where the system message asks for high effort?"""
    low, high = [await _thought(engine, effort) for effort in ("low", "high")]
    found = f"{len(low)} ids at low effort, {len(high)} at high"
    if len(low) == len(high):
        return Finding("effort", "unmeasured", f"{found}: the model does not heed it, or never sees it")
    if len(low) < len(high):
        return Finding("effort", "ok", found)
    return Finding("effort", "wrong", f"{found}: the other way round", "Look at whether the server keeps the prompt.")


async def _thought(engine: Engine, effort: Effort) -> tuple[int, ...]:
    prompt = question("How many primes are there below 60?", effort=effort)
    return (await sample(engine, prompt, Sampling(temperature=0.0, max_tokens=_THOUGHT), key="doctor")).token_ids


async def gives_logprobs(engine: Engine) -> Finding:
    """Is there one log probability for each id, and can it be one?"""
    if not engine.info.capabilities.logprobs:
        return Finding("logprobs", "absent", "the engine gives none: a run can't be exported with them for training")
    done = await sample(engine, question("Hello!"), Sampling(max_tokens=16, logprobs=True), key="doctor")
    values = done.logprobs or ()
    if len(values) != len(done.token_ids):
        return Finding("logprobs", "wrong", f"{len(values)} for {len(done.token_ids)} ids", "Do not train on them.")
    if not all(math.isfinite(value) and value <= 1e-4 for value in values) or not any(values):
        found = f"{', '.join(f'{value:.3f}' for value in values[:4])}, ...: no log probabilities"
        return Finding("logprobs", "wrong", found, "Do not train on them.")
    return Finding("logprobs", "ok", f"one for each of {len(values)} ids, {min(values):.2f} to {max(values):.2f}")


async def obeys_grammar(engine: Engine) -> Finding:
    """Does even noise keep to a grammar? What is asked for is JSON with one field, behind a forced header."""
    if not engine.info.capabilities.grammar:
        return Finding("grammar", "absent", "the engine has none: malformed calls are mended or sampled again")
    prompt = question("Is 7 prime?", forced="<|channel|>final<|message|>")
    grammar = harmony.json_grammar(_SCHEMA)
    sampling = Sampling(temperature=NOISE, max_tokens=64)
    done = await sample(engine, prompt, sampling, key="doctor", grammar=grammar)
    text = harmony.encoding().decode([i for i in done.token_ids if i not in STOP_TOKEN_IDS])
    # JSON may have blanks between its parts, of which noise writes many: it need not get to the end. Behind it a server
    # allows every id that it stops at.
    said = "".join(text.split())
    whole = [f'{{"answer":{value}}}' for value in ("true", "false")]
    if said in whole or (done.finish == "length" and any(one.startswith(said) for one in whole)):
        return Finding("grammar", "ok", f"noise keeps to it: {said}")
    return Finding("grammar", "wrong", f"noise gave {text[:60]!r}", "Look at the engine's structured output settings.")
