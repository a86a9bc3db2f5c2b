"""Experts in MXFP4: by the standard, as transformers reads them, and as this engine runs them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import GptOssForCausalLM
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

from ossia.engine import export_checkpoint
from ossia.engine.nano import load_checkpoint
from ossia.engine.nano._kv import KVCache
from ossia.engine.nano._model import Segment
from ossia.engine.nano._mxfp4 import pack, unpack
from ossia.engine.nano._tensors import Floats
from tests.engine.prompts import agent_prompts

CODES = st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.5, -3.0, -6.0]), min_size=32, max_size=32)


def random_weights(*shape: int) -> Floats:
    return np.random.default_rng(0).normal(0, 0.1, shape).astype(np.float32)


@given(CODES, st.integers(-20, 20))
def test_numbers_that_the_format_has_come_back(numbers: list[float], exponent: int) -> None:
    values = np.ldexp(np.array([numbers], dtype=np.float32), exponent)
    np.testing.assert_array_equal(unpack(*pack(values)), values)


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=64, max_size=64))
def test_the_error_is_that_of_four_bits(numbers: list[float]) -> None:
    values = np.array(numbers, dtype=np.float32).reshape(1, 64)
    got = unpack(*pack(values)).reshape(2, 32)
    largest = np.abs(values.reshape(2, 32)).max(1, keepdims=True)
    # The largest number of a block lies between four and eight scales; half of the widest gap is one of them.
    assert (np.abs(got - values.reshape(2, 32)) <= largest / 2 + 1e-30).all()


def test_transformers_reads_the_same_numbers() -> None:
    weights = random_weights(2, 96, 128)
    blocks, scales = pack(weights)
    theirs = convert_moe_packed_tensors(torch.from_numpy(blocks), torch.from_numpy(scales), dtype=torch.float32)
    np.testing.assert_array_equal(unpack(blocks, scales), theirs.numpy().swapaxes(-1, -2))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("mxfp4") / "nano"
    export_checkpoint(directory, mxfp4=True)
    return directory


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_an_exported_checkpoint_says_the_same_here_and_in_transformers(checkpoint: Path) -> None:
    assert json.loads((checkpoint / "config.json").read_text())["quantization_config"]["quant_method"] == "mxfp4"
    torch.set_num_threads(1)
    ours, theirs = load_checkpoint(checkpoint), GptOssForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    for prompt in agent_prompts()[::10]:
        with torch.no_grad():
            want = theirs.eval()(torch.tensor([prompt])).logits[0, -64:].float().numpy()
        got = ours.logits(ours.forward([Segment(np.array(prompt), KVCache(ours.config))])[-64:])
        error = np.linalg.norm(got - want, axis=1) / np.linalg.norm(want, axis=1)
        assert error.max() < 2e-2
        assert (got.argmax(axis=1) == want.argmax(axis=1)).mean() > 0.95
