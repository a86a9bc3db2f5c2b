"""Two engines in actors of a local Ray: the same tokens, sticky sessions, aborts, a killed actor."""

import asyncio
import time

import pytest

from ossia import Agent, Limits, Python
from ossia.engine import Engine, Sampling, open_engine, sample, samples
from ossia.engine.sampled import closing
from ossia.errors import EngineError, UserError
from tests.engine.models import GREEDY
from tests.engine.prompts import agent_prompts

ray = pytest.importorskip("ray", reason="pip install 'ossia[ray]'")
pytestmark = pytest.mark.slow

PROMPTS = agent_prompts()[:8]
NOISE = Sampling(temperature=8.0, max_tokens=400, seed=1)


async def greedy(engine: Engine) -> list[tuple[int, ...]]:
    done = await asyncio.gather(*(sample(engine, p, GREEDY, key=str(i)) for i, p in enumerate(PROMPTS)))
    return [one.token_ids for one in done]


async def test_two_engines_are_one_and_bear_what_engines_bear() -> None:
    nano = await open_engine("nano")
    expected = await greedy(nano)
    await nano.aclose()

    from ossia.engine.ray import RayEngine

    engine = await open_engine("ray:2*nano")
    assert isinstance(engine, RayEngine)
    try:
        assert (engine.info.spec, engine.info.model, engine.alive) == ("ray:2*nano", "nano", 2)
        assert await greedy(engine) == expected
        await steps_find_their_cache(engine)
        await leaving_a_completion_ends_it(engine)
        await samples_meet_on_one_engine(engine)
        await an_agent_can_be_made_to_answer(engine)
        with pytest.raises(UserError, match="top_p is 2"):
            await sample(engine, PROMPTS[0], Sampling(top_p=2.0), key="s")
        await a_killed_actor_is_replaced_in_the_middle(engine, expected)
        ray.kill(engine._cluster._actors[next(iter(engine._route.alive))])
        with pytest.raises(EngineError, match="^ray:2[*]nano has lost all its 2 engines") as caught:
            await sample(engine, PROMPTS[0], GREEDY, key="s")
        assert "\n" not in str(caught.value)
    finally:
        await engine.aclose()
    assert not ray.is_initialized()


async def steps_find_their_cache(engine: Engine) -> None:
    for key in "abcd":
        first = await sample(engine, PROMPTS[0], GREEDY, key=key)
        second = await sample(engine, [*PROMPTS[0], *first.token_ids, 200006], GREEDY, key=key)
        assert (second.cached_tokens or 0) >= len(PROMPTS[0]) + len(first.token_ids) - 1


async def samples_meet_on_one_engine(engine: Engine) -> None:
    prompt = [7, 8, 9] * 100
    found = await samples(engine, prompt, Sampling(temperature=2.0, max_tokens=8, seed=5), n=3, key="many")
    assert sorted(one.cached_tokens or 0 for one in found) == [0, 299, 299]
    assert len({one.token_ids for one in found}) == 3


async def an_agent_can_be_made_to_answer(engine: Engine) -> None:
    limits = Limits(steps=1, force_final=True)
    async with Agent(engine=engine, tools=[Python()], limits=limits, journal=False) as agent:
        result = await agent.run("What is 48213 * 777?")
    assert (result.outcome, result.forced) == ("limit", True)
    assert result.final


async def leaving_a_completion_ends_it(engine: Engine) -> None:
    from ossia.engine.ray import RayEngine

    assert isinstance(engine, RayEngine)
    async with closing(engine.generate(PROMPTS[0], Sampling(temperature=8.0), key="left")) as chunks:
        await anext(chunks)
        assert sum(await engine._cluster.active()) == 1
        started = time.monotonic()
    assert time.monotonic() - started < 5
    deadline = time.monotonic() + 10
    while sum(await engine._cluster.active()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def a_killed_actor_is_replaced_in_the_middle(engine: Engine, expected: list[tuple[int, ...]]) -> None:
    from ossia.engine.ray import RayEngine

    assert isinstance(engine, RayEngine)
    ids: list[int] = []
    finishes = []
    async with closing(engine.generate(PROMPTS[0], NOISE, key="doomed")) as chunks:
        async for chunk in chunks:
            if not ids:
                ray.kill(engine._cluster._actors[engine._route.choose("doomed")])
            ids += chunk.token_ids
            finishes.append(chunk.finish)
    assert engine.alive == 1
    assert (len(ids), finishes[-1], set(finishes[:-1])) == (400, "length", {None})
    assert await greedy(engine) == expected


async def test_an_engine_that_can_not_be_opened_leaves_no_ray_behind() -> None:
    with pytest.raises(UserError, match="did you mean 'nano'"):
        await open_engine("ray:2*nanno")
    assert not ray.is_initialized()
