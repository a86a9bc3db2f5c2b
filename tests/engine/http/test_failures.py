"""Servers that fail: what is sent again, to whom, from where, and when it ends."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from aiohttp import web

from ossia.engine import Sampling, open_engine
from ossia.engine.http import _engine
from ossia.engine.http._route import Router
from ossia.errors import EngineError, UserError
from ossia.testing import Play, ScriptedEngine
from ossia.testing.server import Failure, TokenServer
from tests.engine.http.servers import llama_cpp, models, serving, stream
from tests.engine.models import Collected, collect

PROMPT = [7, 8, 9]
WHOLE = [*range(1000, 1040), 200_002]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_engine, "FIRST_PAUSE", 0.01)


def rest(prompt: Sequence[int]) -> list[int]:
    """What is left of `WHOLE` after what the prompt holds of it: a model that is certain."""
    return WHOLE[len(prompt) - len(PROMPT) :]


def failing(after: Iterator[int | None]) -> Callable[[Sequence[int]], Play]:
    """Each call fails after so many token ids, or not at all."""
    return lambda prompt: Play(rest(prompt), fail_after=next(after))


async def run(server: TokenServer, sampling: Sampling | None = None, **options: int) -> Collected:
    engine = await open_engine(server.url, options=options)
    try:
        return await collect(engine, PROMPT, sampling or Sampling(temperature=0.0))
    finally:
        await engine.aclose()


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
async def test_a_busy_server_is_asked_again(status: int) -> None:
    async with TokenServer(ScriptedEngine(rest)) as server:
        server.failures = [Failure(status), Failure(status)]
        assert (await run(server)).tokens == WHOLE
        assert len(server.requests) == 3


async def test_it_is_asked_after_the_time_that_it_names() -> None:
    async with TokenServer(ScriptedEngine(rest)) as server:
        server.failures = [Failure(503, retry_after=1)]
        started = time.monotonic()
        assert (await run(server)).tokens == WHOLE
        assert time.monotonic() - started >= 1


async def test_retries_end() -> None:
    async with TokenServer(ScriptedEngine(rest)) as server:
        server.failures = [Failure(503, "loading the model")] * 9
        with pytest.raises(EngineError, match=r"answers 503: loading the model \(before the first.* failed 3 times\)"):
            await run(server, retries=2)
        assert len(server.requests) == 3


async def test_a_server_that_breaks_on_a_request_does_not_get_it_again() -> None:
    async with TokenServer(ScriptedEngine(rest)) as server:
        server.failures = [Failure(500, "CUDA error")] * 3
        with pytest.raises(EngineError, match="answers 500: CUDA error"):
            await run(server)
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 413, 422])
async def test_a_refused_request_is_the_users_mistake_and_not_sent_again(status: int) -> None:
    async with TokenServer(ScriptedEngine(rest)) as server:
        server.failures = [Failure(status, "maximum context length is 5")] * 3
        with pytest.raises(UserError, match=rf"refuses the request \(status {status}\): maximum context"):
            await run(server)
        assert len(server.requests) == 1


async def test_a_cut_stream_goes_on_from_the_ids_that_were_sampled() -> None:
    scripted = ScriptedEngine(failing(iter([8, 16, None])), chunk_size=4)
    async with TokenServer(scripted) as server:
        result = await run(server, Sampling(temperature=0.0, seed=5, logprobs=True))
    assert result.tokens == WHOLE
    assert result.finish == "stop"
    assert len(result.logprobs) == len(WHOLE)
    prompts = [call.prompt for call in scripted.calls]
    assert prompts == [(*PROMPT, *WHOLE[:n]) for n in (0, 8, 24)]
    assert [call.sampling.seed for call in scripted.calls] == [5, 13, 29]


async def test_max_tokens_counts_what_was_sampled_before_the_cut() -> None:
    scripted = ScriptedEngine(failing(iter([8, None])), chunk_size=4)
    async with TokenServer(scripted) as server:
        result = await run(server, Sampling(temperature=0.0, max_tokens=20))
    assert (result.tokens, result.finish) == (WHOLE[:20], "length")
    assert [call.sampling.max_tokens for call in scripted.calls] == [20, 12]


async def test_a_stream_that_is_cut_after_its_last_id_is_whole() -> None:
    scripted = ScriptedEngine(lambda prompt: Play(WHOLE, fail_after=len(WHOLE)))
    async with TokenServer(scripted) as server:
        result = await run(server)
    assert (result.tokens, result.finish) == (WHOLE, "stop")
    assert len(scripted.calls) == 1


async def test_a_stream_that_is_cut_again_and_again_ends() -> None:
    scripted = ScriptedEngine(lambda prompt: Play(rest(prompt), fail_after=2), chunk_size=1)
    async with TokenServer(scripted) as server:
        with pytest.raises(EngineError, match=r"after 12 token ids, failed 6 times"):
            await run(server)


async def test_an_error_in_the_stream_is_told() -> None:
    async def dies(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        choice = {"index": 0, "token_ids": [1], "finish_reason": "length"}
        if len(body["token_ids"]) == 1:
            return await stream(request, [{"choices": [choice]}])
        return await stream(request, [{"error": {"message": "EngineCore died", "code": 500}}])

    routes = {"GET /v1/models": models("vllm", max_model_len=99), "POST /inference/v1/generate": dies}
    async with serving(routes) as url:
        engine = await open_engine(url, options={"retries": 1})
        with pytest.raises(EngineError, match="failed: EngineCore died"):
            await collect(engine, PROMPT, Sampling())
        await engine.aclose()


async def test_an_answer_of_another_form_is_told() -> None:
    async def strange(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if len(body["token_ids"]) == 1:
            return await stream(request, [{"choices": [{"index": 0, "token_ids": [1], "finish_reason": "length"}]}])
        kind = body["token_ids"][0]
        return await stream(request, [{1: {"choices": [{"text": "hi"}]}, 2: [], 3: {"choices": 5}}[kind]])

    routes = {"GET /v1/models": models("vllm", max_model_len=99), "POST /inference/v1/generate": strange}
    async with serving(routes) as url:
        engine = await open_engine(url)
        for kind, says in ((1, "'token_ids' is missing"), (2, "where an object belongs"), (3, "breaks its wire form")):
            with pytest.raises(EngineError, match=says):
                await collect(engine, [kind, 5], Sampling())
        await engine.aclose()


@pytest.mark.parametrize("pieces", [[[5, 200_012, 6, 7]], [[5, 200_012], [6, 7]], [[5], [200_012], [], [6]]])
async def test_a_server_that_goes_on_after_a_stop_id_is_left(pieces: list[list[int]]) -> None:
    async def goes_on(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if len(body["token_ids"]) == 1:
            return await stream(request, [{"choices": [{"index": 0, "token_ids": [1], "finish_reason": "length"}]}])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            event = json.dumps({"choices": [{"index": 0, "token_ids": piece, "finish_reason": None}]})
            await response.write(f"data: {event}\n\n".encode())
            await asyncio.sleep(0.02)
        await asyncio.sleep(60)
        return response

    routes = {"GET /v1/models": models("vllm", max_model_len=99), "POST /inference/v1/generate": goes_on}
    async with serving(routes) as url:
        engine = await open_engine(url)
        result = await collect(engine, PROMPT, Sampling())
        assert (result.tokens, result.finish) == ([5, 200_012], "stop")
        await engine.aclose()


async def test_a_silent_server_is_given_up() -> None:
    scripted = ScriptedEngine(lambda prompt: Play(rest(prompt), stall_after=4))
    async with TokenServer(scripted) as server:
        engine = await open_engine(server.url, options={"timeout": 0.2, "retries": 1})
        with pytest.raises(EngineError, match="was silent for too long"):
            await collect(engine, PROMPT, Sampling())
        await engine.aclose()


async def test_a_reader_that_takes_its_time_is_no_silent_server() -> None:
    async with TokenServer(ScriptedEngine(rest, chunk_size=4, delay=0.02)) as server:
        engine = await open_engine(server.url, options={"timeout": 0.2, "retries": 0})
        tokens: list[int] = []
        async for chunk in engine.generate(PROMPT, Sampling(temperature=0.0), key="a"):
            if not tokens:
                await asyncio.sleep(0.5)
            tokens += chunk.token_ids
        assert tokens == WHOLE
        await engine.aclose()


async def test_a_server_that_never_answers_is_given_up_at_once_or_later() -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if len(body["prompt"]) > 1:
            await asyncio.sleep(60)
        return web.json_response({"tokens": [1], "stop_type": "limit"})

    routes = {**llama_cpp(ScriptedEngine([]), []), "POST /completion": silent}
    async with serving(routes) as url:
        engine = await open_engine(url, options={"timeout": 0.2, "retries": 0})
        with pytest.raises(EngineError, match="was silent for too long"):
            await collect(engine, PROMPT, Sampling())
        await engine.aclose()


def key_of(first: TokenServer, second: TokenServer) -> str:
    """A session that belongs to the first of two servers."""
    router = Router([first.url, second.url])
    return next(key for key in map(str, range(99)) if router.choose(key).base == first.url)


async def test_a_server_that_dies_in_mid_stream_is_followed_by_another() -> None:
    dying, living = ScriptedEngine(rest, chunk_size=4, delay=0.01), ScriptedEngine(rest)
    async with TokenServer(dying) as first, TokenServer(living) as second:
        engine = await open_engine(f"{first.url},{second.url}")
        key = key_of(first, second)
        tokens: list[int] = []
        async for chunk in engine.generate(PROMPT, Sampling(temperature=0.0), key=key):
            tokens += chunk.token_ids
            if 8 <= len(tokens) < 12:
                await first.__aexit__()
        assert tokens == WHOLE
        assert 8 <= len(living.calls[0].prompt) - len(PROMPT) < len(WHOLE)
        # The session stays there while the first is down.
        assert (await collect(engine, PROMPT, Sampling(temperature=0.0), key=key)).tokens == WHOLE
        assert len(living.calls) == 2
        await engine.aclose()


async def test_a_server_that_comes_back_gets_its_sessions_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ossia.engine.http._route.COOLDOWN", 0.1)
    one, two = ScriptedEngine(rest), ScriptedEngine(rest)
    async with TokenServer(one) as first, TokenServer(two) as second:
        engine = await open_engine(f"{first.url},{second.url}")
        key = key_of(first, second)
        port = int(first.url.split(":")[2].removesuffix("/v1"))
        await first.__aexit__()
        assert (await collect(engine, PROMPT, Sampling(), key=key)).tokens == WHOLE
        assert (len(one.calls), len(two.calls)) == (0, 1)
        async with TokenServer(one, port=port):
            await asyncio.sleep(0.15)
            assert (await collect(engine, PROMPT, Sampling(), key=key)).tokens == WHOLE
            assert (len(one.calls), len(two.calls)) == (1, 1)
            await engine.aclose()


async def test_a_server_that_was_absent_at_first_is_used_once_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ossia.engine.http._route.COOLDOWN", 0.1)
    one, two = ScriptedEngine(rest), ScriptedEngine(rest)
    async with TokenServer(one) as first, TokenServer(two) as second:
        key = key_of(first, second)
        port = int(first.url.split(":")[2].removesuffix("/v1"))
        await first.__aexit__()
        engine = await open_engine(f"{first.url},{second.url}")
        async with TokenServer(one, port=port):
            await asyncio.sleep(0.15)
            assert (await collect(engine, PROMPT, Sampling(), key=key)).tokens == WHOLE
            assert (len(one.calls), len(two.calls)) == (1, 0)
            await engine.aclose()


async def test_a_connection_that_the_server_dropped_meanwhile_costs_nothing() -> None:
    async with TokenServer(ScriptedEngine(rest)) as server:
        engine = await open_engine(server.url)
        for _ in range(3):
            assert (await collect(engine, PROMPT, Sampling())).tokens == WHOLE
            for transport in server.connections:
                transport.close()
        await engine.aclose()
