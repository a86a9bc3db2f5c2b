"""The engine that plays a script, which users have in `ossia.testing`."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from ossia import harmony
from ossia.engine import Chunk, Sampling
from ossia.errors import EngineError, UserError
from ossia.testing import Play, ScriptedEngine
from tests.engine.models import collect

CALL = '<|channel|>analysis to=python code<|message|>print("<1>")<|call|>'
FINAL = "<|channel|>final<|message|>The answer is 1.<|return|>"
PROMPT = harmony.encoding().encode("<|start|>user<|message|>hi<|end|><|start|>assistant", special=True)


async def read(engine: ScriptedEngine, into: list[Chunk]) -> None:
    async for chunk in engine.generate(PROMPT, Sampling(), key="session"):
        into.append(chunk)  # noqa: PERF401 (what was seen before an error is to be kept)


async def test_completions_are_played_in_order_with_their_special_tokens() -> None:
    ids = harmony.encoding().encode(FINAL, special=True)
    engine = ScriptedEngine([CALL, ids])
    one = await collect(engine, PROMPT, Sampling())
    assert harmony.encoding().decode(one.tokens) == CALL
    assert one.tokens[-1] == 200_012
    two = await collect(engine, [*PROMPT, *one.tokens], Sampling(seed=3), key="other", priority=2)
    assert (two.tokens, two.finish) == (ids, "stop")
    assert [call.key for call in engine.calls] == ["session", "other"]
    assert engine.calls[1].prompt == (*PROMPT, *one.tokens)
    assert engine.calls[1].text.endswith(CALL)
    assert (engine.calls[1].sampling.seed, engine.calls[1].priority) == (3, 2)


async def test_a_function_answers_from_the_prompt() -> None:
    def answer(prompt: Sequence[int]) -> str:
        return f"<|channel|>final<|message|>{len(prompt)}<|return|>"

    engine = ScriptedEngine(answer)
    results = await asyncio.gather(*(collect(engine, PROMPT * n, Sampling()) for n in (1, 2, 3)))
    texts = [harmony.encoding().decode(r.tokens) for r in results]
    assert texts == [answer(PROMPT * n) for n in (1, 2, 3)]


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_chunks_have_the_given_size(size: int) -> None:
    result = await collect(ScriptedEngine([FINAL], chunk_size=size), PROMPT, Sampling(logprobs=True))
    assert {len(c.token_ids) for c in result.chunks[:-1]} <= {size}
    assert result.logprobs == [0.0] * len(result.tokens)


async def test_chunks_come_after_the_given_delay() -> None:
    started = time.monotonic()
    result = await collect(ScriptedEngine([FINAL], chunk_size=4, delay=0.02), PROMPT, Sampling())
    assert time.monotonic() - started >= 0.02 * len(result.chunks)


async def test_max_tokens_and_the_context_cut_it() -> None:
    assert (await collect(ScriptedEngine([FINAL]), PROMPT, Sampling(max_tokens=3))).finish == "length"
    near = ScriptedEngine([FINAL, FINAL], max_context=len(PROMPT) + 2)
    result = await collect(near, PROMPT, Sampling())
    assert (len(result.tokens), result.finish) == (2, "length")
    with pytest.raises(UserError, match="context"):
        await collect(near, PROMPT * 2, Sampling())


async def test_a_completion_ends_at_its_first_stop_id_and_without_one_by_length() -> None:
    engine = ScriptedEngine([CALL + FINAL, "no end", ""])
    assert harmony.encoding().decode((await collect(engine, PROMPT, Sampling())).tokens) == CALL
    assert (await collect(engine, PROMPT, Sampling())).finish == "length"
    empty = await collect(engine, PROMPT, Sampling())
    assert (empty.tokens, empty.finish) == ([], "length")


async def test_it_fails_when_told_to() -> None:
    engine = ScriptedEngine([Play(FINAL, fail_after=5), Play(FINAL, fail_after=0), Play(FINAL, fail_after=99)])
    seen: list[Chunk] = []
    with pytest.raises(EngineError, match="after 5 token ids"):
        await read(engine, into=seen)
    assert [len(chunk.token_ids) for chunk in seen] == [5]
    assert seen[0].finish is None
    with pytest.raises(EngineError):
        await collect(engine, PROMPT, Sampling())
    assert (await collect(engine, PROMPT, Sampling())).finish == "stop"
    assert engine.active == 0


async def test_it_stalls_when_told_to_and_lets_go_when_cancelled() -> None:
    engine = ScriptedEngine([Play(FINAL, stall_after=4)], chunk_size=1)
    seen: list[Chunk] = []
    reader = asyncio.create_task(read(engine, into=seen))
    await asyncio.sleep(0.1)
    assert not reader.done()
    assert engine.active == 1
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert len(seen) == 4
    assert engine.active == 0


async def test_a_script_that_is_over_says_so() -> None:
    engine = ScriptedEngine([FINAL])
    await collect(engine, PROMPT, Sampling())
    with pytest.raises(UserError, match="has 1 completions and one more was asked for"):
        await collect(engine, PROMPT, Sampling())


async def test_it_refuses_what_engines_refuse() -> None:
    engine = ScriptedEngine([FINAL])
    with pytest.raises(UserError, match="outside"):
        await collect(engine, [201_088], Sampling())
    with pytest.raises(UserError, match="chunk_size"):
        ScriptedEngine([], chunk_size=0)
    await engine.aclose()
    with pytest.raises(EngineError, match="closed"):
        await collect(engine, PROMPT, Sampling())
