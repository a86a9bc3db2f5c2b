"""The NumPy forward pass against transformers, on the same checkpoint."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GptOssForCausalLM

from ossia.engine.nano import NanoEngine, load_checkpoint
from ossia.engine.nano._kv import KVCache, Tokens
from ossia.engine.nano._model import Model, Segment
from ossia.engine.nano._tensors import Floats
from ossia.engine.protocol import Sampling
from tests.engine.models import collect, random_tensors, small_config, write_checkpoint

LONG = 1200


class Pair:
    """The same weights in both implementations."""

    def __init__(self, directory: Path) -> None:
        self.ours = load_checkpoint(directory)
        self.theirs = GptOssForCausalLM.from_pretrained(
            directory, dtype=torch.float32, attn_implementation="eager"
        ).eval()

    def reference_logits(self, tokens: Tokens) -> Floats:
        with torch.no_grad():
            logits: Floats = self.theirs(torch.from_numpy(tokens)[None]).logits[0].numpy()
        return logits

    def greedy_after(self, prompt: list[int], tokens: list[int]) -> list[int]:
        """What transformers takes at each place of `tokens`: equal to them exactly if it would generate them."""
        logits = self.reference_logits(np.array(prompt + tokens))
        choices: list[int] = logits[len(prompt) - 1 : -1].argmax(axis=1).tolist()
        return choices


@pytest.fixture(scope="module", params=[1.0, 8.0], ids=["flat logits", "peaked logits"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    directory = tmp_path_factory.mktemp("checkpoint")
    config = small_config()
    write_checkpoint(directory, config, random_tensors(config, seed=7, scale=request.param))
    # Threads of two libraries that wait for one another on a few cores cost more than they bring.
    torch.set_num_threads(1)
    return Pair(directory)


def our_logits(model: Model, tokens: Tokens, pieces: list[int]) -> Floats:
    cache, start, hidden = KVCache(model.config), 0, []
    for size in pieces:
        hidden.append(model.forward([Segment(tokens[start : start + size], cache)]))
        start += size
    return model.logits(np.concatenate(hidden)).copy()


@pytest.fixture(scope="module")
def reference(pair: Pair) -> tuple[Tokens, Floats]:
    """Token ids, and the logits that transformers computes for them."""
    tokens = np.random.default_rng(1).integers(0, 2048, LONG)
    return tokens, pair.reference_logits(tokens)


@pytest.mark.parametrize(
    "pieces", [[LONG], [250] * 4 + [200], [LONG - 40] + [1] * 40], ids=["whole", "in chunks", "token by token"]
)
def test_logits_equal_those_of_transformers(pair: Pair, reference: tuple[Tokens, Floats], pieces: list[int]) -> None:
    tokens, want = reference
    got = our_logits(pair.ours, tokens, pieces)
    error = np.linalg.norm(got - want, axis=1) / np.linalg.norm(want, axis=1)
    assert error.max() < 1e-4


async def test_greedy_tokens_equal_those_of_transformers(pair: Pair) -> None:
    random = np.random.default_rng(2)
    engine = NanoEngine(pair.ours)
    for length in (1, 5, 127, 128, 129, 300, 1050):
        prompt = random.integers(0, 2048, length).tolist()
        got = await collect(engine, prompt, Sampling(temperature=0.0, max_tokens=24), key=str(length))
        assert got.tokens == pair.greedy_after(prompt, got.tokens), f"prompt of {length} token ids"
    await engine.aclose()


def test_sequences_of_one_batch_do_not_see_each_other(pair: Pair) -> None:
    random = np.random.default_rng(3)
    prompts = [random.integers(0, 2048, n) for n in (3, 140, 17, 300)]
    batch = [Segment(p, KVCache(pair.ours.config)) for p in prompts]
    together = pair.ours.forward(batch)
    alone = [pair.ours.forward([Segment(p, KVCache(pair.ours.config))]) for p in prompts]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=0, atol=2e-5)
