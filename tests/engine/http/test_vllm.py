"""The real vLLM, serving nano on the CPU: once with both of its forms, once with `--tokens-only` behind a key."""

import asyncio
import json
import os
import time
import urllib.error
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, cast

import pytest

from ossia import Agent, Python, harmony
from ossia.engine import Capabilities, Sampling, export_checkpoint, open_engine
from ossia.engine.http._route import Router
from ossia.errors import UserError
from ossia.types import Grammar
from tests.engine.http.real import VLLM_PYTHON, RealServer, post, vllm_server
from tests.engine.models import Collected, collect
from tests.engine.prompts import agent_prompts

pytestmark = pytest.mark.vllm

KEY = "sk-of-a-test"
GREEDY = Sampling(temperature=0.0, max_tokens=64)
BLOCK = 128
"""Token ids of a block of the prefix cache on the CPU."""
LONG = Sampling(temperature=1.0, top_k=50, max_tokens=4000, seed=1)
RAMBLING = [list(range(1000 + 50 * i, 1050 + 50 * i)) for i in range(16)]
"""Prompts unlike any that nano knows: it goes on for thousands of ids."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealServer, RealServer]]:
    assert VLLM_PYTHON.exists(), "run scripts/vllm_env.sh first"
    directory = tmp_path_factory.mktemp("vllm")
    export_checkpoint(directory / "nano")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("OSSIA_API_KEY", KEY)
        both = ["--enable-scale-out", "--scheduling-policy", "priority"]
        one = stack.enter_context(vllm_server(directory / "nano", directory / "one.log", *both))
        two = stack.enter_context(
            vllm_server(directory / "nano", directory / "two.log", "--tokens-only", "--api-key", KEY)
        )
        one.wait(240)
        two.wait(240)
        yield one, two


@pytest.fixture
def server(servers: tuple[RealServer, RealServer]) -> RealServer:
    return servers[0]


async def test_what_is_found_out_of_each(servers: tuple[RealServer, RealServer]) -> None:
    one, two = [await open_engine(server.url) for server in servers]
    assert one.info.model == two.info.model == "nano"
    assert one.info.max_context == two.info.max_context == 16_384
    assert one.info.capabilities == Capabilities(seed=True, logprobs=True, grammar=True, prefix_cache=True)
    # A grammar needs the tokenizer that --tokens-only leaves out.
    assert two.info.capabilities == Capabilities(seed=True, logprobs=True, grammar=False, prefix_cache=True)
    for engine in (one, two):
        assert (await collect(engine, RAMBLING[0], Sampling(max_tokens=2), priority=3)).finish == "length"
        await engine.aclose()


@pytest.mark.parametrize("wire", ["vllm-generate", "vllm-completions"])
async def test_both_forms_give_the_token_ids_of_nano(server: RealServer, wire: str) -> None:
    nano = await open_engine("nano")
    engine = await open_engine(server.url, options={"wire": wire})
    sampling = Sampling(temperature=0.0, max_tokens=64, logprobs=True)
    for prompt in agent_prompts()[:4]:
        ours, theirs = await collect(nano, prompt, sampling), await collect(engine, prompt, sampling)
        assert theirs.tokens == ours.tokens
        assert theirs.finish == ours.finish
        assert theirs.logprobs == pytest.approx(ours.logprobs, abs=0.1)
    await engine.aclose()
    await nano.aclose()


async def test_a_seed_gives_the_same_again(server: RealServer) -> None:
    engine = await open_engine(server.url)

    async def sampled(seed: int) -> list[list[int]]:  # of several prompts: of one, some weights are sure at any heat
        sampling = Sampling(temperature=2.0, max_tokens=30, seed=seed)
        return [(await collect(engine, prompt, sampling)).tokens for prompt in RAMBLING[:4]]

    first = await sampled(11)
    assert await sampled(11) == first != await sampled(12)
    await engine.aclose()


async def test_sixty_four_at_once(server: RealServer) -> None:
    engine = await open_engine(server.url)
    prompts = agent_prompts()[:8]
    alone = [await collect(engine, prompt, GREEDY) for prompt in prompts]
    together = await asyncio.gather(*(collect(engine, prompts[i % 8], GREEDY, key=str(i)) for i in range(64)))
    assert [r.tokens for r in together] == [alone[i % 8].tokens for i in range(64)]
    await engine.aclose()


async def test_leaving_aborts_on_the_server(server: RealServer) -> None:
    engine = await open_engine(server.url)
    streams = [engine.generate(prompt, LONG, key=str(i)) for i, prompt in enumerate(RAMBLING)]
    for stream in streams:
        await anext(aiter(stream))
    assert await asyncio.to_thread(server.metric, "vllm:num_requests_running") >= 8
    for stream in streams:
        await cast(Any, stream).aclose()
    async with asyncio.timeout(5):
        while await asyncio.to_thread(server.metric, "vllm:num_requests_running"):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.1)
    assert (await collect(engine, agent_prompts()[0], GREEDY)).finish == "stop"
    await engine.aclose()


async def test_a_prompt_of_six_thousand_ids_is_found_in_the_cache_the_second_time(server: RealServer) -> None:
    engine = await open_engine(server.url)
    prompt = [(7 * i) % 50_000 + 1000 for i in range(6000)]
    cold = await collect(engine, prompt, Sampling(temperature=0.0, max_tokens=4))
    warm = await collect(engine, prompt, Sampling(temperature=0.0, max_tokens=4))
    assert warm.tokens == cold.tokens
    assert (cold.cached, warm.cached) == (0, 6000 // BLOCK * BLOCK)
    await engine.aclose()


async def test_each_step_of_a_conversation_finds_all_full_blocks_but_one_in_the_cache(
    servers: tuple[RealServer, RealServer],
) -> None:
    engine = await open_engine(",".join(server.url for server in servers))
    transcript = [(11 * i) % 60_000 + 500 for i in range(300)]
    known = 0
    for step in range(6):
        sampled = await collect(engine, transcript, Sampling(temperature=1.0, max_tokens=200), key="a run")
        if step:
            assert sampled.cached >= (known - 1) // BLOCK * BLOCK - BLOCK
        # What the server has computed: the prompt, and all that was sampled but the last.
        known = len(transcript) + len(sampled.tokens) - 1
        transcript += [*sampled.tokens, *((13 * i + step) % 70_000 for i in range(100))]
    await engine.aclose()


async def test_a_grammar_holds(server: RealServer) -> None:
    engine = await open_engine(server.url)
    words = [{"type": "const_string", "value": word} for word in ("perhaps", "certainly")]
    tag = json.dumps({"type": "structural_tag", "format": {"type": "or", "elements": words}})
    start = harmony.encoding().encode("<|start|>assistant<|channel|>final<|message|>", special=True)
    whole = Collected()
    async for chunk in engine.generate(start, GREEDY, key="a", grammar=Grammar("", tag)):
        whole.tokens += chunk.token_ids
    assert harmony.encoding().decode(whole.tokens[:-1]) in ("perhaps", "certainly")
    assert whole.tokens[-1] >= 199_998
    await engine.aclose()


async def test_bad_input_is_refused_and_no_server_dies(servers: tuple[RealServer, RealServer]) -> None:
    for server in servers:
        engine = await open_engine(server.url)
        for prompt, says in (([1, 201_088], "outside"), ([1] * 16_384, "holds 16384"), ([], "empty")):
            with pytest.raises(UserError, match=says):
                await collect(engine, prompt, GREEDY)
        full = await collect(engine, [5] * 16_380, Sampling(temperature=0.0))
        assert full.finish == "stop" or len(full.tokens) == 4
        await engine.aclose()
        with pytest.raises(UserError, match="has no model 'gpt-oss-20b': it has nano"):
            await open_engine(server.url, options={"model": "gpt-oss-20b"})
        assert server.process.poll() is None


async def test_a_wrong_key_is_told(servers: tuple[RealServer, RealServer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSSIA_API_KEY", "sk-wrong")
    with pytest.raises(UserError, match=r"refuses the key in \$OSSIA_API_KEY") as caught:
        await open_engine(servers[1].url)
    assert "sk-wrong" not in str(caught.value)
    monkeypatch.delenv("OSSIA_API_KEY")
    with pytest.raises(UserError, match=r"wants a key: set \$OSSIA_API_KEY"):
        await open_engine(servers[1].url)


async def test_an_agent_with_python_runs_on_both(servers: tuple[RealServer, RealServer]) -> None:
    options: Any = {"urls": [servers[1].url]}
    sampling = Sampling(temperature=0.0)
    factors = (48213, 12, 31)
    async with Agent(
        engine=servers[0].url, engine_options=options, tools=[Python()], sampling=sampling, journal=False
    ) as agent:
        results = await asyncio.gather(*(agent.run(f"What is {a} * 777?") for a in factors))
    assert [result.outcome for result in results] == ["final"] * 3
    for factor, result in zip(factors, results, strict=True):
        assert str(factor * 777) in (result.final or "")
    assert all(result.tool_calls for result in results)


async def test_a_killed_server_is_followed_by_the_other_in_mid_stream(servers: tuple[RealServer, RealServer]) -> None:
    """The last test: it kills one of the two."""
    one, two = servers
    engine = await open_engine(f"{one.url},{two.url}")
    router = Router([one.url, two.url])
    key = next(key for key in map(str, range(99)) if router.choose(key).base == one.url)
    sampling = Sampling(temperature=0.0, max_tokens=400)
    alone = await open_engine(two.url)
    reference = await collect(alone, RAMBLING[3], sampling)
    await alone.aclose()
    tokens: list[int] = []
    finish = None
    async for chunk in engine.generate(RAMBLING[3], sampling, key=key):
        tokens += chunk.token_ids
        finish = chunk.finish
        if len(tokens) > 20:
            one.kill()
    assert finish == "length"
    assert len(tokens) == 400
    assert tokens[:20] == reference.tokens[:20]
    # The run's next step goes to the other at once, and so do all others.
    started = time.monotonic()
    results = await asyncio.gather(*(collect(engine, agent_prompts()[0], GREEDY, key=str(i)) for i in range(8)))
    assert len({tuple(result.tokens) for result in results}) == 1
    assert time.monotonic() - started < 5
    assert two.metric("vllm:num_requests_running") == 0
    await engine.aclose()
    with pytest.raises(urllib.error.URLError):
        post(f"http://127.0.0.1:{one.port}/tokenize", {})
    assert os.environ["OSSIA_API_KEY"] == KEY
