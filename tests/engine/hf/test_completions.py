"""What the transformers engine samples: the same as plain `generate`, whatever it is computed beside and behind."""

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GptOssForCausalLM

from ossia import harmony
from ossia.engine import STOP_TOKEN_IDS, Capabilities, Sampling, export_checkpoint, open_engine
from ossia.engine.hf._engine import HfEngine
from ossia.engine.masks import VOCABULARY
from ossia.types import Grammar
from tests.engine.hf.conftest import CPU
from tests.engine.models import GREEDY, collect, random_tensors, small_config, write_checkpoint
from tests.engine.prompts import agent_prompts


def prompt(length: int, seed: int = 0) -> list[int]:
    tokens: list[int] = np.random.default_rng(seed).integers(0, 2048, length).tolist()
    return tokens


def limited(tokens: int, seed: int | None = None) -> Sampling:
    return Sampling(temperature=0.0 if seed is None else 1.0, max_tokens=tokens, seed=seed)


def generated(model: GptOssForCausalLM, tokens: list[int], count: int) -> list[int]:
    """What transformers' own `generate` writes, greedily."""
    with torch.inference_mode():
        out = model.generate(
            torch.tensor([tokens]),
            attention_mask=torch.ones(1, len(tokens), dtype=torch.long),
            max_new_tokens=count,
            do_sample=False,
            eos_token_id=list(STOP_TOKEN_IDS),
            pad_token_id=0,
        )
    new: list[int] = out[0, len(tokens) :].tolist()
    return new


async def test_greedy_ids_are_those_of_generate(engine: HfEngine, reference: GptOssForCausalLM) -> None:
    # The window is 128 ids, and pieces have 256.
    prompts = [prompt(n, seed=n) for n in (1, 127, 128, 129, 300, 700)]
    together = await asyncio.gather(*(collect(engine, p, limited(16), key=str(i)) for i, p in enumerate(prompts)))
    for tokens, result in zip(prompts, together, strict=True):
        assert result.tokens == generated(reference, tokens, 16)


@pytest.mark.slow
async def test_greedy_ids_of_nano_are_those_of_generate(tmp_path: Path) -> None:
    directory = tmp_path / "nano"
    export_checkpoint(directory)
    engine = await open_engine(f"hf:{directory}", options={"device": "cpu", "dtype": "float32"})
    reference = GptOssForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
    prompts = agent_prompts()
    results = await asyncio.gather(*(collect(engine, p, limited(32), key=str(i)) for i, p in enumerate(prompts)))
    for tokens, result in zip(prompts, results, strict=True):
        assert result.tokens == generated(reference, tokens, 32)
    await engine.aclose()


async def test_a_completion_is_held_to_a_grammar(tmp_path: Path) -> None:
    config = small_config(VOCABULARY)
    write_checkpoint(tmp_path, config, random_tensors(config, seed=3))
    engine = await open_engine(f"hf:{tmp_path}", options={"device": "cpu"})
    assert engine.info.model == tmp_path.name
    assert engine.info.capabilities == Capabilities(seed=True, logprobs=True, grammar=True, prefix_cache=True)
    grammar = Grammar("start: /[a-f]{1,9}/ <|return|>")
    for seed in range(3):
        sampling = Sampling(seed=seed, max_tokens=20)
        chunks = engine.generate(prompt(20), sampling, key=str(seed), grammar=grammar)
        sampled = [token async for chunk in chunks for token in chunk.token_ids]
        assert re.fullmatch(r"[a-f]{1,9}<\|return\|>", harmony.encoding().decode(sampled))
    await engine.aclose()


async def test_log_probabilities_are_those_of_the_model(engine: HfEngine, reference: GptOssForCausalLM) -> None:
    tokens = prompt(150)
    result = await collect(engine, tokens, Sampling(max_tokens=12, seed=3, logprobs=True, top_k=20))
    with torch.inference_mode():
        logits = reference(torch.tensor([tokens + result.tokens])).logits[0, len(tokens) - 1 : -1]
    want = torch.log_softmax(logits, dim=-1)[torch.arange(len(result.tokens)), result.tokens]
    np.testing.assert_allclose(result.logprobs, want.numpy(), atol=1e-3)


@pytest.mark.parametrize("seeded", [False, True], ids=["greedy", "seeded"])
async def test_eight_at_once_give_the_tokens_that_each_gives_alone(engine: HfEngine, seeded: bool) -> None:
    prompts = [prompt(40 + 30 * i, seed=i) for i in range(8)]

    def sampling(i: int) -> Sampling:
        return limited(20, seed=i if seeded else None)

    together = await asyncio.gather(*(collect(engine, p, sampling(i), key=f"a{i}") for i, p in enumerate(prompts)))
    for i, tokens in enumerate(prompts):
        assert (await collect(engine, tokens, sampling(i), key=f"b{i}")).tokens == together[i].tokens


async def test_a_session_pays_for_new_tokens_only_and_gets_the_same_ones(
    engine: HfEngine, reference: GptOssForCausalLM
) -> None:
    first = prompt(300)
    one = await collect(engine, first, limited(20))
    assert one.cached == 0
    second = [*first, *one.tokens, *prompt(50, seed=1)]
    two = await collect(engine, second, limited(12))
    # The last sampled id was never computed: nothing was sampled after it.
    assert two.cached == len(first) + len(one.tokens) - 1
    assert two.tokens == generated(reference, second, 12)


async def test_a_fork_and_a_rewritten_session_keep_what_they_share(
    engine: HfEngine, reference: GptOssForCausalLM
) -> None:
    whole = prompt(400)
    await collect(engine, whole, limited(5), key="trunk")
    for key in ("fork", "trunk"):
        branch = [*whole[:250], *prompt(30, seed=2)]
        result = await collect(engine, branch, limited(8), key=key)
        assert result.cached >= 250
        assert result.tokens == generated(reference, branch, 8)


async def test_closing_the_iterator_ends_the_completion_and_leaves_the_others(engine: HfEngine) -> None:
    other = asyncio.create_task(collect(engine, prompt(30), limited(30), key="other"))
    stream = engine.generate(prompt(50), GREEDY, key="closed")
    await anext(stream)
    await stream.aclose()
    assert len((await other).tokens) == 30
    async with asyncio.timeout(20):
        while engine._batcher.load()[:2] != (0, 0):  # noqa: ASYNC110 (a thread's state, which sets no event)
            await asyncio.sleep(0.01)


async def test_caches_of_idle_sessions_stay_within_their_bound(model: GptOssForCausalLM) -> None:
    bound = 2 << 20
    engine = HfEngine(model, CPU.model_copy(update={"kept_bytes": bound}))
    for i in range(8):
        await collect(engine, prompt(200, seed=i), limited(3), key=str(i))
    assert 0 < engine._batcher.load()[2] <= bound
    assert (await collect(engine, prompt(200, seed=7), limited(3), key="7")).cached == 199
    assert (await collect(engine, prompt(200, seed=0), limited(3), key="0")).cached == 0
    await engine.aclose()
