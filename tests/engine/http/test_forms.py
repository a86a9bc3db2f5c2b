"""The forms of other servers, spoken by stand-ins with a scripted engine behind them."""

from typing import Any

import pytest

from ossia.engine import Capabilities, Sampling, open_engine
from ossia.errors import EngineError, UserError
from ossia.testing import ScriptedEngine
from tests.engine.http.servers import llama_cpp, models, serving, sglang, stream, tensorrt
from tests.engine.models import collect

PROMPT = [7, 8, 9]
LONG = [*range(1000, 1100), 200_012]


async def test_llama_cpp_gives_whole_pieces_each_from_the_ids_before_it() -> None:
    bodies: list[Any] = []
    scripted = ScriptedEngine(lambda prompt: LONG[len(prompt) - len(PROMPT) :])
    async with serving(llama_cpp(scripted, bodies)) as url:
        engine = await open_engine(url)
        assert engine.info.max_context == 4096
        assert engine.info.capabilities == Capabilities(seed=True, prefix_cache=True)
        result = await collect(engine, PROMPT, Sampling(temperature=0.5, top_p=0.8, seed=2**32 - 10))
        assert (result.tokens, result.finish) == (LONG, "stop")
        assert result.cached == 2
        short = await collect(engine, PROMPT, Sampling(max_tokens=70))
        assert (short.tokens, short.finish) == (LONG[:70], "length")
        with pytest.raises(UserError, match="cannot do this: logprobs"):
            await collect(engine, PROMPT, Sampling(logprobs=True))
        await engine.aclose()
    asked = [body for body in bodies if len(body["prompt"]) > 1]
    assert [len(body["prompt"]) - 3 for body in asked] == [0, 32, 64, 96, 0, 32, 64]
    assert [body["n_predict"] for body in asked] == [32, 32, 32, 32, 32, 32, 6]
    assert [body["seed"] for body in asked[:4]] == [2**32 - 10, 23, 55, 87]
    assert {body["top_p"] for body in asked[:4]} == {0.8}
    assert {body["min_p"] for body in asked} == {0.0}


async def test_llama_cpp_that_fills_its_context_ends_by_length() -> None:
    scripted = ScriptedEngine(lambda prompt: LONG[len(prompt) - len(PROMPT) :], max_context=len(PROMPT) + 40)
    async with serving(llama_cpp(scripted, [])) as url:
        engine = await open_engine(url)
        result = await collect(engine, PROMPT, Sampling())
        assert (result.tokens, result.finish) == (LONG[:40], "length")
        await engine.aclose()


@pytest.mark.parametrize("cumulative", [True, False])
async def test_sglang_is_read_whether_its_stream_is_cumulative_or_not(cumulative: bool) -> None:
    bodies: list[Any] = []
    scripted = ScriptedEngine(lambda prompt: LONG)
    async with serving(sglang(scripted, bodies, cumulative=cumulative)) as url:
        engine = await open_engine(url)
        assert engine.info.max_context == 4096
        result = await collect(engine, PROMPT, Sampling(logprobs=True))
        assert (result.tokens, result.finish) == (LONG, "stop")
        assert result.logprobs == [-0.5] * len(LONG)
        assert result.cached == 2
        cut = await collect(engine, PROMPT, Sampling(max_tokens=10))
        assert (cut.tokens, cut.finish) == (LONG[:10], "length")
        await engine.aclose()
    assert bodies[-1]["sampling_params"]["stop_token_ids"] == [200_002, 200_012]
    assert bodies[-1]["sampling_params"]["no_stop_trim"] is True


@pytest.mark.parametrize(
    ("ids", "reason", "says"),
    [
        ([5, 6], {"type": "length"}, "holds 2 token ids where 3 of 3 are new"),
        ([5, 6, 7], {"type": "stop", "matched": 200_002}, "the stop id 200002 was trimmed"),
        ([5, 6, 7], {"type": "abort", "message": "too long"}, "gave up on the request: too long"),
    ],
)
async def test_sglang_that_would_lose_an_id_is_not_trusted(ids: list[int], reason: Any, says: str) -> None:
    async def generate(request: Any) -> Any:
        if len((await request.json())["input_ids"]) == 1:
            meta: Any = {"completion_tokens": 1, "finish_reason": {"type": "length"}}
            return await stream(request, [{"output_ids": [1], "meta_info": meta}])
        return await stream(
            request, [{"output_ids": ids, "meta_info": {"completion_tokens": 3, "finish_reason": reason}}]
        )

    routes = {"GET /v1/models": models("sglang", max_model_len=99), "POST /generate": generate}
    async with serving(routes) as url:
        engine = await open_engine(url)
        with pytest.raises(EngineError, match=says):
            await collect(engine, PROMPT, Sampling())
        await engine.aclose()


async def test_tensorrt_llm_is_asked_for_token_ids() -> None:
    bodies: list[Any] = []
    scripted = ScriptedEngine(lambda prompt: LONG)
    async with serving(tensorrt(scripted, bodies)) as url:
        with pytest.raises(UserError, match="does not say how many token ids its context holds"):
            await open_engine(url)
        engine = await open_engine(url, options={"max_context": 4096})
        result = await collect(engine, PROMPT, Sampling(seed=4), priority=3)
        assert (result.tokens, result.finish) == (LONG, "stop")
        assert result.cached == 3
        await engine.aclose()
    assert bodies[-1]["seed"] == 4
    assert "priority" not in bodies[-1]
