"""Whole completions: one, several of a prompt at once, and those that go on from a forced beginning."""

import asyncio

import pytest

from ossia import harmony
from ossia.engine import Sampling, open_engine, sample, samples
from ossia.engine.nano import NanoEngine
from ossia.errors import EngineError, UserError
from ossia.testing import Play, ScriptedEngine
from tests.engine.models import GREEDY, random_model

FINAL = "<|channel|>final<|message|>The answer is 1.<|return|>"
PROMPT = harmony.encoding().encode("<|start|>user<|message|>hi<|end|><|start|>assistant", special=True)
QUESTION = [
    *harmony.render_prompt(harmony.PromptConfig()),
    *harmony.render_user("Hello!"),
    *harmony.encoding().encode("<|start|>assistant", special=True),
]


async def test_samples_of_one_prompt_differ_by_their_seeds_and_come_again() -> None:
    prompt = [7, 8, 9] * 40
    asked = Sampling(seed=11, max_tokens=8, logprobs=True)
    found = []
    for _ in range(2):
        engine = NanoEngine(random_model())
        found.append(await samples(engine, prompt, asked, n=4, key="s"))
        await engine.aclose()
    assert found[0] == found[1]
    assert len({s.token_ids for s in found[0]}) == 4
    assert all(s.finish == "length" and len(s.token_ids) == 8 == len(s.logprobs or ()) for s in found[0])


async def test_samples_share_the_computation_of_their_prompt() -> None:
    engine = NanoEngine(random_model())
    prompt = [7, 8, 9] * 100
    found = await samples(engine, prompt, Sampling(max_tokens=2), n=4, key="s")
    assert sorted(s.cached_tokens or 0 for s in found) == [0, 299, 299, 299]
    await engine.aclose()


async def test_a_forced_beginning_goes_on_as_the_whole_completion_did() -> None:
    engine = await open_engine("nano")
    whole = await sample(engine, QUESTION, GREEDY, key="whole")
    assert whole.finish == "stop"
    for cut in (1, 5, len(whole.token_ids) - 1):
        rest = await sample(engine, [*QUESTION, *whole.token_ids[:cut]], GREEDY, key="cut")
        assert rest.token_ids == whole.token_ids[cut:]
    await engine.aclose()


async def test_cancelling_ends_every_sample() -> None:
    engine = ScriptedEngine(lambda _: Play(FINAL, stall_after=2), chunk_size=1)
    task = asyncio.create_task(samples(engine, PROMPT, Sampling(), n=3, key="s"))
    while engine.active < 3:  # noqa: ASYNC110 (the engine tells nobody)
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.active == 0


async def test_the_first_error_ends_every_sample() -> None:
    engine = ScriptedEngine([Play(FINAL, stall_after=2), Play(FINAL, fail_after=4), Play(FINAL, stall_after=2)])
    with pytest.raises(EngineError, match="after 4 token ids"):
        await asyncio.wait_for(samples(engine, PROMPT, Sampling(), n=3, key="s"), 10)
    assert engine.active == 0
    with pytest.raises(UserError, match="n is 0"):
        await samples(engine, PROMPT, Sampling(), n=0, key="s")
