"""The training forward pass is `GptOssForCausalLM`'s, and the core file holds all of it."""

import random
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import GptOssConfig, GptOssModel

from nano import rows
from nano.batches import collate
from nano.config import NanoConfig
from nano.export import load_core, save_core, state
from nano.model import Nano
from nano.prompts import random_prompt
from nano.start import induction, look_back
from nano.vocabulary import encode
from ossia.engine.nano.table import EMBED_SCALE


def small(seed: int = 0) -> Nano:
    """A fresh model whose routers and sinks are not all zero."""
    torch.manual_seed(seed)
    model = Nano(NanoConfig())
    look_back(model)
    induction(model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("bias", "sinks")):
                parameter.add_(torch.randn_like(parameter) * 0.3)
            parameter.copy_(parameter.bfloat16().float())
    return model


def huggingface(model: Nano, embedded: Tensor) -> Tensor:
    """Hidden states that transformers computes from the exported weights, [T, hidden] -> [T, hidden].

    The vocabulary is left out (nine tokens instead): both ends of it are the frozen table.
    """
    config = GptOssConfig(**model.config.huggingface() | {"vocab_size": 9, "pad_token_id": 0})
    config._attn_implementation = "eager"
    other = GptOssModel(config).float().eval()
    weights = {name.removeprefix("model."): value.float() for name, value in state(model).items()}
    left_out = other.load_state_dict(weights, strict=False)
    assert left_out.missing_keys == ["embed_tokens.weight"]
    assert not left_out.unexpected_keys
    out: Tensor = other(inputs_embeds=embedded[None], use_cache=False).last_hidden_state[0]
    return out


@pytest.mark.slow
def test_the_forward_pass_is_that_of_transformers() -> None:
    model, rng = small(), random.Random(1)
    prefix = random_prompt(rng)
    found = [rows.python_row(rng, rows.arithmetic_task(rng, "train"), "train") for _ in range(3)]
    batch = collate(prefix, found)
    with torch.no_grad():
        ours = model(batch.prefix, batch.ids).view(*batch.ids.shape, -1)
        for i, row in enumerate(found):
            embedded = model.table[torch.tensor(prefix + row.ids)] * EMBED_SCALE
            theirs = huggingface(model, embedded)[len(prefix) :]
            assert (ours[i, : len(row.ids)] - theirs).abs().max() < 1e-3 * theirs.abs().max()


def test_a_batch_without_a_prefix_is_a_batch_with_it_inside() -> None:
    model = small()
    ids = torch.tensor([encode("What is 48213 * 777? " * 30)])
    with torch.no_grad():
        whole = model(ids[0, :0], ids)
        split = model(ids[0, :150], ids[:, 150:])
    assert torch.allclose(whole[150:], split, atol=1e-4)


def test_a_core_file_holds_the_model(tmp_path: Path) -> None:
    model = small(3)
    save_core(model, tmp_path / "core.safetensors", {"steps": "0"})
    again = load_core(tmp_path / "core.safetensors")
    for (name, a), (_, b) in zip(model.state_dict().items(), again.state_dict().items(), strict=True):
        assert torch.equal(a, b), name
    assert list(tmp_path.iterdir()) == [tmp_path / "core.safetensors"]


def test_a_fresh_model_already_copies() -> None:
    model = Nano(NanoConfig())
    torch.manual_seed(0)
    look_back(model)
    induction(model)
    first = torch.randint(0, 199_998, (4, 40))
    ids = torch.cat((first, first), 1)
    with torch.no_grad():
        hidden = model(ids[0, :0], ids).view(4, 80, -1)[:, 41:-1]
        guess = (hidden @ model.table.T).argmax(-1)
    assert (guess == ids[:, 42:]).float().mean() > 0.5
