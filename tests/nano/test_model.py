"""The training forward pass is `GptOssForCausalLM`'s, and the core file holds all of it."""

import random
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import GptOssConfig, GptOssModel

from nano import rows
from nano.batch import collate
from nano.config import NanoConfig
from nano.export import load_core, save_core, state
from nano.layout import Layout, rotate
from nano.model import Attention, Nano
from nano.prompts import random_prompt
from nano.start import deepened
from nano.train import initial_model
from nano.vocabulary import encode
from ossia.engine.nano.table import EMBED_SCALE


def small(seed: int = 0) -> Nano:
    """A fresh model whose routers and sinks are not all zero."""
    torch.manual_seed(seed)
    model = initial_model(None)
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


def test_added_layers_change_nothing_yet() -> None:
    torch.manual_seed(2)
    model, ids = small(3), torch.randint(0, 199_998, (2, 40))
    deeper = deepened(model, NanoConfig(layers=model.config.layers + 2))
    with torch.no_grad():
        assert torch.allclose(model(ids[0, :0], ids), deeper(ids[0, :0], ids), atol=1e-5)


def attended(model: Nano, ids: Tensor, layer: int) -> Tensor:
    """Where the first head of a full layer looks most, for ids [B, T]: positions [B, T]."""
    seen: list[tuple[Tensor, Layout]] = []
    block = model.layers[layer].self_attn
    assert isinstance(block, Attention)

    def keep(module: nn.Module, given: tuple[Tensor, Layout]) -> None:
        seen.append(given)

    hook = block.register_forward_pre_hook(keep)
    with torch.no_grad():
        model(ids[0, :0], ids)
        hook.remove()
        ((x, at),) = seen
        dim = model.config.head_dim
        query, key = (linear(x)[:, :dim].view(*ids.shape, dim) for linear in (block.q_proj, block.k_proj))
        scores = rotate(query, at.cos, at.sin) @ rotate(key, at.cos, at.sin).mT
        hidden = torch.ones_like(scores).triu(1).bool()
        return scores.masked_fill(hidden, -1e9).argmax(-1)


def test_a_fresh_model_already_looks_for_what_followed_the_last_time() -> None:
    torch.manual_seed(0)
    model = initial_model(None)
    first = torch.randint(0, 199_998, (4, 40))
    found = attended(model, torch.cat((first, first), 1), layer=1)[:, 41:-1]
    share = (found == torch.arange(42, 80) - 40).float().mean()
    assert share > 0.1, share  # by chance 0.02


def test_a_fresh_model_already_tells_places_apart_that_only_what_lies_far_before_them_does() -> None:
    torch.manual_seed(0)
    model = initial_model(None)
    rows, places = [], []
    for _ in range(16):
        divider = torch.randint(0, 199_998, (4,))
        records = [
            torch.cat((torch.randint(0, 199_998, (2,)), divider, torch.randint(0, 199_998, (2,)))) for _ in range(8)
        ]
        order = torch.randperm(8)
        rows.append(torch.cat((*records, *(records[i] for i in order))))
        places.append(order * 8 + 6)
    found = attended(model, torch.stack(rows), layer=3)[:, 64 + 5 :: 8]
    share = (found == torch.stack(places)).float().mean()
    assert share > 0.3, share  # by chance 0.125
