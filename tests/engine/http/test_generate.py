"""Completions through a server that speaks vLLM's forms, with nano or a script behind it."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from ossia import Agent, Limits, harmony
from ossia.engine import Capabilities, Sampling, open_engine
from ossia.engine.nano import NanoEngine
from ossia.errors import EngineError, UserError
from ossia.testing import Play, ScriptedEngine
from ossia.testing.server import Failure, TokenServer
from ossia.types import Grammar
from tests.engine.models import collect, random_model

FINAL = "<|channel|>final<|message|>The answer is 1 🎉.<|return|>"
PROMPT = harmony.encoding().encode("<|start|>user<|message|>hi<|end|><|start|>assistant", special=True)
WIRES = ["vllm-generate", "vllm-completions"]


@pytest.mark.parametrize("wire", WIRES)
async def test_token_ids_and_log_probabilities_are_those_of_the_engine_behind_the_server(wire: str) -> None:
    nano = NanoEngine(random_model())
    prompts = [[i, 5, 7, 11, i + 3] for i in range(8)]
    sampling = Sampling(max_tokens=20, seed=3, logprobs=True)
    direct = [await collect(nano, prompt, sampling) for prompt in prompts]
    async with TokenServer(nano) as server:
        engine = await open_engine(server.url, options={"wire": wire})
        assert engine.info.model == "nano"
        assert engine.info.max_context == nano.info.max_context
        served = [await collect(engine, prompt, sampling, key=str(i)) for i, prompt in enumerate(prompts)]
        await engine.aclose()
    assert [s.tokens for s in served] == [d.tokens for d in direct]
    assert [s.finish for s in served] == [d.finish for d in direct]
    for ours, theirs in zip(served, direct, strict=True):
        assert ours.logprobs == pytest.approx(theirs.logprobs, abs=1e-4)
        assert ours.cached >= 0
    await nano.aclose()


async def test_many_at_once_each_get_their_own_and_a_session_finds_its_prefix_again() -> None:
    nano = NanoEngine(random_model())
    async with TokenServer(nano) as server:
        engine = await open_engine(server.url)
        sampling = Sampling(temperature=0.0, max_tokens=12)
        prompts = [[40 + i, *range(100, 180), i] for i in range(32)]
        results = await asyncio.gather(*(collect(engine, p, sampling, key=str(p[0])) for p in prompts))
        for prompt, result in zip(prompts, results, strict=True):
            assert result.tokens == (await collect(nano, prompt, sampling, key="direct")).tokens
        again = await collect(engine, [*prompts[0], *results[0].tokens, 7], sampling, key="40")
        assert again.cached >= len(prompts[0])
        await engine.aclose()
    await nano.aclose()


@pytest.mark.parametrize("wire", WIRES)
async def test_every_sampling_parameter_is_sent_whatever_the_servers_own_defaults_are(wire: str) -> None:
    scripted = ScriptedEngine(lambda prompt: FINAL)
    async with TokenServer(scripted) as server:
        engine = await open_engine(server.url, options={"wire": wire})
        sampling = Sampling(temperature=0.5, top_p=0.9, top_k=7, max_tokens=50, seed=9, logprobs=True)
        result = await collect(engine, PROMPT, sampling, key="run 7 / ü", priority=-2)
        await engine.aclose()
        assert harmony.encoding().decode(result.tokens) == FINAL
        assert result.finish == "stop"
        request = server.requests[0]
    assert scripted.calls[0].sampling == sampling
    assert scripted.calls[0].priority == -2
    assert len(request.session) == 32
    assert "run" not in request.session
    body: dict[str, Any] = dict(request.body)
    fields = body["sampling_params"] if wire == "vllm-generate" else body
    assert fields["stop_token_ids"] == [200_002, 200_012]
    assert (fields["min_p"], fields["repetition_penalty"]) == (0.0, 1.0)


async def test_without_a_limit_the_context_is_the_limit() -> None:
    scripted = ScriptedEngine(lambda prompt: [5] * 1000, max_context=200)
    async with TokenServer(scripted) as server:
        engine = await open_engine(server.url)
        result = await collect(engine, PROMPT, Sampling())
        assert (len(result.tokens), result.finish) == (200 - len(PROMPT), "length")
        await engine.aclose()


async def test_what_no_server_should_see_is_refused_before_it_is_sent() -> None:
    async with TokenServer(ScriptedEngine(lambda prompt: FINAL, max_context=100)) as server:
        engine = await open_engine(server.url)
        for prompt, says in (([1, 201_088], "201088 at position 1"), ([-1], "outside"), ([], "empty")):
            with pytest.raises(UserError, match=says):
                await collect(engine, prompt, Sampling())
        with pytest.raises(UserError, match="the context of http.* holds 100"):
            await collect(engine, [1] * 100, Sampling())
        with pytest.raises(UserError, match="cannot do this: grammar"):
            await anext(aiter(engine.generate(PROMPT, Sampling(), key="a", grammar=Grammar("x", "{}"))))
        assert server.requests == []
        await engine.aclose()


async def test_a_server_without_priorities_gets_none() -> None:
    scripted = ScriptedEngine(lambda prompt: FINAL)
    async with TokenServer(scripted, priorities=False) as server:
        engine = await open_engine(server.url)
        await collect(engine, PROMPT, Sampling(), priority=5)
        assert scripted.calls[0].priority == 0
        await engine.aclose()


@pytest.mark.parametrize("wire", WIRES)
async def test_a_grammar_goes_as_its_structural_tag(wire: str) -> None:
    scripted = ScriptedEngine(lambda prompt: FINAL, capabilities=Capabilities(grammar=True))
    async with TokenServer(scripted) as server:
        engine = await open_engine(server.url, options={"wire": wire})
        assert engine.info.capabilities.grammar
        tag = '{"type":"structural_tag","format":{"type":"any_text"}}'
        async for _ in engine.generate(PROMPT, Sampling(), key="a", grammar=Grammar("lark", tag)):
            pass
        sent = scripted.calls[0].grammar
        assert sent is not None
        assert sent.structural_tag == tag
        with pytest.raises(UserError, match="no structural tag"):
            await anext(aiter(engine.generate(PROMPT, Sampling(), key="a", grammar=Grammar("lark"))))
        await engine.aclose()


async def test_leaving_a_completion_ends_it_on_the_server_and_the_engine_goes_on() -> None:
    scripted = ScriptedEngine(lambda prompt: Play([5] * 100, stall_after=10) if prompt[-1] == 9 else FINAL)
    async with TokenServer(scripted) as server:
        engine = await open_engine(server.url)
        stalled = engine.generate([8, 9], Sampling(), key="a")
        assert (await anext(stalled)).token_ids
        assert scripted.active == 1
        await cast(Any, stalled).aclose()
        reader = asyncio.create_task(collect(engine, [7, 9], Sampling()))
        await asyncio.sleep(0.1)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        async with asyncio.timeout(2):
            while scripted.active:  # noqa: ASYNC110 (the server has no event for it)
                await asyncio.sleep(0.01)
        assert (await collect(engine, PROMPT, Sampling())).finish == "stop"
        await engine.aclose()


async def test_connections_are_used_again() -> None:
    async with TokenServer(ScriptedEngine(lambda prompt: FINAL)) as server:
        engine = await open_engine(server.url)
        server.connections.clear()
        for _ in range(10):
            await collect(engine, PROMPT, Sampling())
        assert len(server.connections) == 1
        await engine.aclose()


async def test_a_closed_engine_says_so() -> None:
    scripted = ScriptedEngine(lambda prompt: Play([5] * 100, stall_after=10))
    async with TokenServer(scripted) as server:
        engine = await open_engine(server.url)
        reader = asyncio.create_task(collect(engine, PROMPT, Sampling()))
        await asyncio.sleep(0.1)
        await engine.aclose()
        with pytest.raises(EngineError, match="was closed after 10 token ids"):
            await reader
        with pytest.raises(EngineError, match="was closed"):
            await collect(engine, PROMPT, Sampling())


async def test_another_event_loop_is_refused() -> None:
    async with TokenServer(ScriptedEngine(lambda prompt: FINAL)) as server:
        engine = await open_engine(server.url)
        with pytest.raises(UserError, match="the event loop that it was opened in"):
            await asyncio.to_thread(asyncio.run, collect(engine, PROMPT, Sampling()))
        await engine.aclose()


async def test_a_key_stands_in_no_journal_and_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSSIA_API_KEY", "sk-secret-4711")
    async with (
        TokenServer(ScriptedEngine(lambda prompt: FINAL), api_key="sk-secret-4711") as server,
        Agent(engine=server.url, engine_options={"retries": 0}, journal=tmp_path) as agent,
    ):
        assert (await agent.run("How much?")).outcome == "final"
        server.failures = [Failure(503, "the key sk-secret-4711 has no quota")]
        failed = await agent.run("How much?")
    assert failed.outcome == "infrastructure"
    assert "the key [key] has no quota" in (failed.error or "")
    journals = [path.read_text() for path in tmp_path.rglob("*.jsonl")]
    assert len(journals) == 2
    assert not any("4711" in text for text in journals)


async def test_an_agent_runs_on_a_server() -> None:
    script = ["<|channel|>analysis<|message|>Easy.<|end|><|start|>assistant" + FINAL]
    async with (
        TokenServer(ScriptedEngine(script)) as server,
        Agent(engine=server.url, journal=False, limits=Limits(steps=3)) as agent,
    ):
        result = await agent.run("How much?")
    assert (result.outcome, result.final) == ("final", "The answer is 1 🎉.")
