"""The real llama.cpp server, serving nano on the CPU (scripts/llama_server.sh builds it)."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from ossia import Agent, Python, harmony
from ossia.engine import Capabilities, Sampling, export_checkpoint, open_engine
from ossia.errors import UserError
from tests.engine.http.real import LLAMA, RealServer, convert_to_gguf, llama_server, post
from tests.engine.models import collect
from tests.engine.prompts import agent_prompts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (LLAMA / "bin" / "llama-server").exists(), reason="scripts/llama_server.sh builds it"),
]

GREEDY = Sampling(temperature=0.0, max_tokens=100)
PARROT = "🦜🥝🧶🪡"
"""Characters of several token ids each."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    directory = tmp_path_factory.mktemp("llama")
    export_checkpoint(directory / "nano")
    convert_to_gguf(directory / "nano", directory / "nano.gguf")
    with llama_server(directory / "nano.gguf", directory / "server.log") as running:
        running.wait(60)
        yield running


async def test_it_gives_the_token_ids_of_nano(server: RealServer) -> None:
    nano, engine = await open_engine("nano"), await open_engine(server.url)
    assert engine.info.model == "nano"
    assert engine.info.max_context == 8192
    assert engine.info.capabilities == Capabilities(seed=True, prefix_cache=True)
    for prompt in agent_prompts()[:8]:
        ours, theirs = await collect(nano, prompt, GREEDY), await collect(engine, prompt, GREEDY)
        assert theirs.tokens == ours.tokens
        assert theirs.finish == ours.finish
    await engine.aclose()
    await nano.aclose()


async def test_several_at_once_in_pieces(server: RealServer) -> None:
    engine = await open_engine(server.url)
    prompts = [list(range(1000 + 50 * i, 1050 + 50 * i)) for i in range(6)]
    sampling = Sampling(temperature=0.0, max_tokens=80)
    alone = [await collect(engine, prompt, sampling) for prompt in prompts]
    assert max(len(result.tokens) for result in alone) > 64
    together = await asyncio.gather(*(collect(engine, p, sampling, key=str(i)) for i, p in enumerate(prompts)))
    # Floating point rounds by the batch: most are the same to the last id.
    assert sum(a.tokens == b.tokens for a, b in zip(alone, together, strict=True)) >= 3
    await engine.aclose()


async def test_the_next_step_finds_what_was_sampled_in_the_cache(server: RealServer) -> None:
    engine = await open_engine(server.url)
    prompt = [(7 * i) % 50_000 + 1000 for i in range(3000)]
    first = await collect(engine, prompt, GREEDY)
    assert first.cached == 0
    known = len(prompt) + len(first.tokens) - 1
    second = await collect(engine, [*prompt, *first.tokens, 5, 6, 7], GREEDY)
    assert second.cached >= known - 1
    await engine.aclose()


async def test_its_stream_loses_ids_inside_characters_and_pieces_do_not(server: RealServer) -> None:
    ids = harmony.encoding().encode(PARROT)
    url = f"http://127.0.0.1:{server.port}/completion"
    # Its own sampling is pushed to the ids of such characters, so that it samples nothing else.
    pushed = {"prompt": [1, 2, 3], "n_predict": 8, "return_tokens": True, "seed": 7, "samplers": ["temperature"]}
    pushed["logit_bias"] = [[token, 20.0] for token in ids]
    whole = json.loads(await asyncio.to_thread(post, url, pushed))["tokens"]
    raw = (await asyncio.to_thread(post, url, pushed | {"stream": True})).decode()
    events = [json.loads(line[6:]) for line in raw.splitlines() if line.startswith("data: {")]
    streamed = [token for event in events for token in event["tokens"]]
    assert len(whole) == 8
    assert len(streamed) < 8


async def test_bad_input_is_refused_and_the_server_lives(server: RealServer) -> None:
    engine = await open_engine(server.url)
    for prompt, says in (([1, 201_088], "outside"), ([1] * 8192, "holds 8192"), ([], "empty")):
        with pytest.raises(UserError, match=says):
            await collect(engine, prompt, GREEDY)
    full = await collect(engine, [5] * 8186, Sampling(temperature=0.0))
    assert full.finish == "stop" or len(full.tokens) <= 6
    assert (await collect(engine, agent_prompts()[0], GREEDY)).finish == "stop"
    await engine.aclose()


async def test_an_agent_with_python_runs_on_it(server: RealServer) -> None:
    async with Agent(engine=server.url, tools=[Python()], sampling=Sampling(temperature=0.0), journal=False) as agent:
        result = await agent.run("What is 48213 * 777?")
    assert result.outcome == "final"
    assert "37461501" in (result.final or "")
