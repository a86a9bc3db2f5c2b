"""What the nano engine promises to whoever streams from it, on a small random model."""

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator

import numpy as np
import pytest

from ossia.engine import Sampling
from ossia.engine.batching import Sizes
from ossia.engine.nano import NanoEngine
from ossia.engine.nano._kv import KVCache
from ossia.engine.nano._model import Model, Segment
from ossia.engine.nano._tensors import Floats
from ossia.errors import EngineError, UserError
from ossia.types import Grammar
from tests.engine.models import GREEDY, Collected, collect, random_model


@pytest.fixture(scope="module")
def model() -> Model:
    return random_model(seed=11, scale=6.0)


@pytest.fixture
async def engine(model: Model) -> AsyncIterator[NanoEngine]:
    engine = NanoEngine(model, max_context=4096)
    yield engine
    await engine.aclose()


def prompt(length: int, seed: int = 0) -> list[int]:
    tokens: list[int] = np.random.default_rng(seed).integers(0, 2048, length).tolist()
    return tokens


def limited(tokens: int, seed: int | None = None) -> Sampling:
    return Sampling(temperature=0.0 if seed is None else 1.0, max_tokens=tokens, seed=seed)


async def idle(engine: NanoEngine) -> None:
    """Wait until the engine has let go of every completion."""
    async with asyncio.timeout(20):
        while engine._batcher.load()[:2] != (0, 0):  # noqa: ASYNC110 (a thread's state, which sets no event)
            await asyncio.sleep(0.01)


async def test_a_session_pays_for_new_tokens_only_and_gets_the_same_ones(engine: NanoEngine, model: Model) -> None:
    first = prompt(300)
    one = await collect(engine, first, limited(20))
    assert one.cached == 0
    second = [*first, *one.tokens, *prompt(50, seed=1)]
    two = await collect(engine, second, limited(20))
    # The last sampled id was never computed: nothing was sampled after it.
    assert two.cached == len(first) + len(one.tokens) - 1

    fresh = NanoEngine(model)
    assert (await collect(fresh, second, limited(20))).tokens == two.tokens
    await fresh.aclose()


async def test_a_rewritten_session_keeps_what_it_still_shares(engine: NanoEngine) -> None:
    whole = prompt(400)
    await collect(engine, whole, limited(10))
    rewritten = [*whole[:250], *prompt(30, seed=2)]
    assert (await collect(engine, rewritten, limited(10))).cached == 250


async def test_the_same_prompt_again_computes_its_last_token_only(engine: NanoEngine) -> None:
    tokens = prompt(100)
    one = await collect(engine, tokens, limited(10))
    again = await collect(engine, tokens, limited(10))
    assert again.tokens == one.tokens
    assert again.cached == 99


async def test_sessions_that_start_together_compute_their_common_prompt_once(engine: NanoEngine) -> None:
    shared = prompt(700)
    prompts = [[*shared, *prompt(20, seed=i)] for i in range(1, 7)]
    results = await asyncio.gather(
        *(collect(engine, tokens, limited(5), key=str(i)) for i, tokens in enumerate(prompts))
    )
    assert sorted(r.cached for r in results) == [0, *[700] * 5]


@pytest.mark.parametrize("seeded", [False, True], ids=["greedy", "seeded"])
async def test_eight_at_once_give_the_tokens_that_each_gives_alone(engine: NanoEngine, seeded: bool) -> None:
    prompts = [prompt(40 + 30 * i, seed=i) for i in range(8)]

    def sampling(i: int) -> Sampling:
        return limited(30, seed=i if seeded else None)

    together = await asyncio.gather(*(collect(engine, p, sampling(i), key=f"a{i}") for i, p in enumerate(prompts)))
    for i, tokens in enumerate(prompts):
        alone = await collect(engine, tokens, sampling(i), key=f"b{i}")
        assert alone.tokens == together[i].tokens


async def test_the_same_seeds_and_the_same_batch_give_the_same_tokens_to_the_last_bit(model: Model) -> None:
    async def batch() -> list[tuple[list[int], list[float]]]:
        engine = NanoEngine(model)
        requests = [Sampling(max_tokens=40, seed=i, logprobs=True) for i in range(8)]
        results = await asyncio.gather(
            *(collect(engine, prompt(50, seed=i), sampling, key=str(i)) for i, sampling in enumerate(requests))
        )
        await engine.aclose()
        return [(r.tokens, r.logprobs) for r in results]

    first = await batch()
    for _ in range(3):
        assert await batch() == first


async def test_another_seed_or_none_gives_other_tokens(engine: NanoEngine) -> None:
    seeds = (1, 2, None, None)
    sampled = [
        (await collect(engine, prompt(50), Sampling(temperature=1.5, max_tokens=40, seed=seed))).tokens
        for seed in seeds
    ]
    assert len({tuple(tokens) for tokens in sampled}) == 4


async def test_log_probabilities_are_those_of_the_model(engine: NanoEngine, model: Model) -> None:
    tokens = prompt(60)
    sampling = Sampling(temperature=0.7, top_k=50, max_tokens=12, seed=5, logprobs=True)
    result = await collect(engine, tokens, sampling)

    whole = np.array([*tokens, *result.tokens])
    logits = model.logits(model.forward([Segment(whole, KVCache(model.config))])[59:-1]).astype(np.float64)
    expected = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(result.logprobs, expected[np.arange(12), result.tokens], atol=1e-4)


async def test_a_completion_ends_at_max_tokens_or_with_the_context(model: Model) -> None:
    engine = NanoEngine(model, max_context=200)
    short = await collect(engine, prompt(10), limited(7))
    assert (len(short.tokens), short.finish) == (7, "length")
    full = await collect(engine, prompt(194), GREEDY)
    assert (len(full.tokens), full.finish) == (6, "length")
    await engine.aclose()


@pytest.mark.parametrize("stop", [200_002, 200_012], ids=["return", "call"])
async def test_a_completion_ends_with_the_stop_id_it_samples(stop: int) -> None:
    model = random_model(vocab_size=201_088)
    last = model.forward([Segment(np.array(prompt(20)), KVCache(model.config))])[-1]
    model._unembed[:, stop] = 10 * last
    engine = NanoEngine(model)
    result = await collect(engine, prompt(20), GREEDY)
    await engine.aclose()
    assert (result.tokens, result.finish) == ([stop], "stop")


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        ([], "empty"),
        ([1, 2, 2048], "token id 2048 at position 2"),
        ([1, -1], "token id -1 at position 1"),
        ([1] * 4096, "4096 token ids"),
    ],
    ids=["no ids", "beyond the vocabulary", "negative", "context full"],
)
async def test_a_bad_prompt_is_refused_and_harms_no_other(engine: NanoEngine, tokens: list[int], says: str) -> None:
    running = asyncio.create_task(collect(engine, prompt(30), limited(20), key="good"))
    with pytest.raises(UserError, match=says):
        await collect(engine, tokens, GREEDY, key="bad")
    assert len((await running).tokens) == 20


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=-1),
        Sampling(temperature=float("nan")),
        Sampling(top_p=0),
        Sampling(top_p=1.1),
        Sampling(top_k=-1),
        Sampling(max_tokens=0),
        Sampling(seed=-1),
    ],
    ids=str,
)
async def test_sampling_parameters_out_of_range_are_refused(engine: NanoEngine, sampling: Sampling) -> None:
    with pytest.raises(UserError):
        await collect(engine, prompt(5), sampling)


async def test_a_grammar_is_refused_by_a_model_of_another_vocabulary(engine: NanoEngine) -> None:
    with pytest.raises(UserError, match="grammar"):
        await anext(engine.generate(prompt(5), GREEDY, key="k", grammar=Grammar("start: /a/")))


async def test_closing_the_iterator_ends_the_completion_and_leaves_the_others(engine: NanoEngine) -> None:
    other = asyncio.create_task(collect(engine, prompt(30), limited(60), key="other"))
    stream = engine.generate(prompt(50), GREEDY, key="closed")
    await anext(stream)
    await stream.aclose()
    assert len((await other).tokens) == 60
    await idle(engine)


async def test_cancelling_the_reader_ends_the_completion_in_every_phase(engine: NanoEngine) -> None:
    tasks = [asyncio.create_task(collect(engine, prompt(1500, seed=i), GREEDY, key=str(i))) for i in range(10)]
    await asyncio.sleep(0.3)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(r, asyncio.CancelledError) for r in results)
    await idle(engine)
    assert len((await collect(engine, prompt(10), limited(5))).tokens) == 5


async def test_a_hundred_at_once_all_end(engine: NanoEngine) -> None:
    results = await asyncio.gather(
        *(collect(engine, prompt(20 + i % 7, seed=i), limited(10, seed=i), key=str(i)) for i in range(100))
    )
    assert [(len(r.tokens), r.finish) for r in results] == [(10, "length")] * 100
    await idle(engine)


async def test_a_long_prompt_does_not_hold_up_what_runs(engine: NanoEngine) -> None:
    running = engine.generate(prompt(10), GREEDY, key="running")
    await anext(running)
    late = asyncio.create_task(collect(engine, prompt(3000, seed=3), limited(1), key="late"))
    between = 0
    while not late.done():
        between += len((await anext(running)).token_ids)
    await running.aclose()
    # 3000 ids are 12 pieces of 256, and the running completion gets a token with each.
    assert between >= 11


async def test_a_lower_priority_goes_first(model: Model) -> None:
    engine = NanoEngine(model, max_context=4096, sizes=Sizes(running=1))
    ended: list[int] = []

    async def run(priority: int) -> None:
        await collect(engine, prompt(20, seed=priority), limited(5), key=str(priority), priority=priority)
        ended.append(priority)

    holding = engine.generate(prompt(50), GREEDY, key="holding")
    await anext(holding)
    tasks = [asyncio.create_task(run(priority)) for priority in (5, 1, 3)]
    await asyncio.sleep(0.05)
    await holding.aclose()
    await asyncio.gather(*tasks)
    assert ended == [1, 3, 5]
    await engine.aclose()


async def test_the_event_loop_goes_on_while_the_model_computes(engine: NanoEngine) -> None:
    task = asyncio.create_task(collect(engine, prompt(3000), limited(50)))
    ticks = 0
    while not task.done():
        await asyncio.sleep(0.001)
        ticks += 1
    assert ticks > 50


async def test_a_slow_reader_loses_nothing(engine: NanoEngine) -> None:
    slow = Collected()
    async for chunk in engine.generate(prompt(30), limited(40), key="slow"):
        slow.tokens += chunk.token_ids
        slow.chunks.append(chunk)
        await asyncio.sleep(0.05)
    assert slow.tokens == (await collect(engine, prompt(30), limited(40), key="fast")).tokens
    assert len(slow.chunks) < 40


async def test_one_engine_serves_several_event_loops(engine: NanoEngine) -> None:
    def elsewhere(results: list[list[int]]) -> None:
        results.append(asyncio.run(collect(engine, prompt(40), limited(20), key="elsewhere")).tokens)

    results: list[list[int]] = []
    thread = threading.Thread(target=elsewhere, args=(results,))
    thread.start()
    here = await collect(engine, prompt(40), limited(20), key="here")
    await asyncio.to_thread(thread.join)
    assert results == [here.tokens]


async def test_caches_of_idle_sessions_stay_within_their_bound(model: Model) -> None:
    bound = 2 << 20
    engine = NanoEngine(model, kept_bytes=bound)
    for i in range(12):
        await collect(engine, prompt(200, seed=i), limited(3), key=str(i))
    kept = engine._batcher.load()[2]
    assert 0 < kept <= bound
    assert (await collect(engine, prompt(200, seed=11), limited(3), key="11")).cached == 199
    assert (await collect(engine, prompt(200, seed=0), limited(3), key="0")).cached == 0
    await engine.aclose()


async def test_closing_the_engine_ends_what_is_under_way_with_an_error(model: Model) -> None:
    engine = NanoEngine(model)
    tasks = [asyncio.create_task(collect(engine, prompt(50, seed=i), GREEDY, key=str(i))) for i in range(3)]
    await asyncio.sleep(0.1)
    await engine.aclose()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(r) for r in results] == ["the nano engine was closed"] * 3
    with pytest.raises(EngineError, match="closed"):
        await collect(engine, prompt(5), GREEDY)
    await engine.aclose()


async def test_closing_the_engine_fails_what_was_asked_for_just_before(model: Model) -> None:
    engine = NanoEngine(model)
    task = asyncio.create_task(collect(engine, prompt(5), GREEDY))
    await asyncio.sleep(0)
    engine._batcher.close()
    with pytest.raises(EngineError, match="closed"):
        await task


async def test_a_failure_inside_the_model_reaches_every_reader_as_an_engine_error() -> None:
    model = random_model()

    def broken(hidden: Floats) -> Floats:
        raise MemoryError("no memory left")

    model.logits = broken  # type: ignore[method-assign]
    engine = NanoEngine(model)
    tasks = [asyncio.create_task(collect(engine, prompt(5, seed=i), GREEDY, key=str(i))) for i in range(3)]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(r, EngineError) for r in results)
    with pytest.raises(EngineError, match="no memory left"):
        await collect(engine, prompt(5), GREEDY)
    await engine.aclose()


def test_what_nano_says_of_itself(model: Model) -> None:
    info = NanoEngine(model, max_context=1 << 20).info
    assert info.max_context == model.config.max_position_embeddings
    assert dataclasses.asdict(info.capabilities) == {
        "seed": True,
        "logprobs": True,
        "grammar": False,
        "prefix_cache": True,
    }
