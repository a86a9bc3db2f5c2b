"""nano on vLLM, in process: what the protocol promises."""

import asyncio
import json
import re
from contextlib import aclosing
from pathlib import Path

import pytest

from ossia import Agent, Python, harmony
from ossia.engine import STOP_TOKEN_IDS, Engine, Sampling, samples
from ossia.errors import UserError
from ossia.types import FunctionSpec, JsonSchema, ToolNamespace
from tests.engine.models import collect

pytestmark = [
    pytest.mark.vllm_inside,
    pytest.mark.filterwarnings("default"),
    pytest.mark.asyncio(loop_scope="module"),
]

GREEDY = Sampling(temperature=0.0, max_tokens=64)


def asked(text: str) -> list[int]:
    """A prompt, up to the header of the answer."""
    prompt = harmony.render_prompt(harmony.PromptConfig()) + harmony.render_user(text)
    return [*prompt, *harmony.encoding().encode("<|start|>assistant", special=True)]


async def test_what_is_known_of_it(engine: Engine, checkpoint: Path) -> None:
    assert engine.info.spec == f"vllm:{checkpoint}"
    assert engine.info.max_context == 8192
    capabilities = engine.info.capabilities
    assert capabilities.seed
    assert capabilities.logprobs
    assert capabilities.grammar
    assert capabilities.prefix_cache


async def test_the_stop_id_comes_last_and_log_probabilities_with_each_id(engine: Engine) -> None:
    answer = await collect(engine, asked("Hello!"), Sampling(temperature=0.0, max_tokens=64, logprobs=True))
    assert answer.finish == "stop"
    assert answer.tokens[-1] in STOP_TOKEN_IDS
    assert len(answer.logprobs) == len(answer.tokens)
    assert all(value <= 0 for value in answer.logprobs)


async def test_the_most_ids_end_a_completion(engine: Engine) -> None:
    answer = await collect(engine, asked("Hello!"), Sampling(temperature=0.0, max_tokens=3))
    assert (len(answer.tokens), answer.finish) == (3, "length")


async def test_the_same_seed_gives_the_same_ids(engine: Engine) -> None:
    hot = Sampling(temperature=2.0, max_tokens=24, seed=7)
    first, second = [(await collect(engine, asked("Hello!"), hot)).tokens for _ in range(2)]
    other = (await collect(engine, asked("Hello!"), Sampling(temperature=2.0, max_tokens=24, seed=8))).tokens
    assert first == second != other


async def test_many_at_once_give_what_one_gives(engine: Engine) -> None:
    prompts = [asked(f"What is {i} * 37?") for i in range(24)]
    together = await asyncio.gather(*(collect(engine, p, GREEDY, key=str(i)) for i, p in enumerate(prompts)))
    assert all(answer.finish == "stop" for answer in together)
    alone = [(await collect(engine, p, GREEDY)).tokens for p in prompts[:4]]
    assert sum(a.tokens == b for a, b in zip(together, alone, strict=False)) >= 3  # bfloat16: a near tie may part them


async def test_a_completion_that_is_left_is_aborted(engine: Engine) -> None:
    endless = Sampling(temperature=2.0, max_tokens=4000)
    async with aclosing(engine.generate(asked("Hello!"), endless, key="left")) as chunks:  # type: ignore[type-var]
        await anext(chunks)
    reader = asyncio.create_task(collect(engine, asked("Hello!"), endless))
    await asyncio.sleep(0.5)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    core = engine._core  # type: ignore[attr-defined]
    assert core.get_num_unfinished_requests() == 0
    assert (await collect(engine, asked("Hello!"), GREEDY)).finish == "stop"


async def test_what_was_generated_is_found_in_the_prefix_cache(engine: Engine) -> None:
    block = engine._core.vllm_config.cache_config.block_size  # type: ignore[attr-defined]
    shared = [*range(20_000, 21_800)]
    hot = Sampling(temperature=2.0, max_tokens=400, seed=1)
    first = await collect(engine, shared, hot, key="turn")
    known = [*shared, *first.tokens]
    second = await collect(engine, [*known, *range(30_000, 30_100)], Sampling(max_tokens=2), key="turn")
    assert second.cached is not None
    assert second.cached >= (len(known) // block - 1) * block


async def test_a_long_prompt(engine: Engine) -> None:
    answer = await collect(engine, [*range(50_000, 56_000)], Sampling(max_tokens=4))
    assert len(answer.tokens) in range(1, 5)


async def test_what_would_kill_the_core_is_refused(engine: Engine) -> None:
    with pytest.raises(UserError, match="position 1 of the prompt is outside"):
        await collect(engine, [1, 900_000], GREEDY)
    with pytest.raises(UserError, match="the context of vllm"):
        await collect(engine, [7] * 8192, GREEDY)
    with pytest.raises(UserError, match=r"temperature must be in \[0, 2\]"):
        await collect(engine, asked("Hello!"), Sampling(temperature=5.0))
    assert (await collect(engine, asked("Hello!"), GREEDY)).finish == "stop"


HEADER = re.compile(r"(analysis|commentary|final)( to=functions\.f)?(( ?<\|constrain\|>| )(json|code))?")
MESSAGE = re.compile(r"<\|channel\|>(.*?)<\|message\|>(.*?)<\|(?:end|call|return)\|>", re.DOTALL)


async def test_a_grammar_holds_headers_recipients_and_arguments(engine: Engine) -> None:
    """Between two messages it holds nothing: so hot, nano puts words there."""
    parameters: JsonSchema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    tools = [ToolNamespace("functions", functions=(FunctionSpec("f", "Does it.", parameters),), placement="developer")]
    grammar = harmony.call_grammar(tools)
    headers = 0
    for seed in range(8):
        sampling = Sampling(temperature=2.0, max_tokens=48, seed=seed)
        asking = engine.generate(asked("Call f."), sampling, key=str(seed), grammar=grammar)
        chunks = [chunk async for chunk in asking]
        ids = [token for chunk in chunks for token in chunk.token_ids]
        for header, content in MESSAGE.findall(harmony.encoding().decode(ids)):
            assert HEADER.fullmatch(header), header
            assert " to=" not in header or isinstance(json.loads(content)["a"], int)
            headers += 1
    assert headers


async def test_a_seed_holds_for_a_prompt_of_any_length(engine: Engine) -> None:
    seeded = Sampling(temperature=2.0, max_tokens=4, seed=5)
    first, second = [(await collect(engine, [*range(60_000, 63_000)], seeded)).tokens for _ in range(2)]
    assert first == second


async def test_several_samples_of_one_prompt(engine: Engine) -> None:
    taken = await samples(engine, asked("Hello!"), Sampling(temperature=1.0, max_tokens=64), n=3, key="n")
    assert len(taken) == 3


async def test_what_is_asked_with_a_priority_is_answered(engine: Engine) -> None:
    answers = await asyncio.gather(
        *(collect(engine, asked("Hello!"), GREEDY, key=str(p), priority=p) for p in (3, 0, -1)),
    )
    assert all(answer.finish == "stop" for answer in answers)


async def test_a_prompt_that_goes_on_in_a_message_is_gone_on_with(engine: Engine) -> None:
    forced = harmony.encoding().encode("<|channel|>final<|message|>Hello!", special=True)
    answer = await collect(engine, [*asked("Hello!"), *forced], GREEDY)
    assert answer.tokens[-1] == 200002


async def test_an_agent_runs_on_it(engine: Engine) -> None:
    async with Agent(engine=engine, tools=[Python()], sampling={"temperature": 0.0}, journal=False) as agent:
        result = await agent.run("What is 48213 * 777?")
    assert result.outcome == "final"
    assert "37461501" in (result.final or "")
