"""Where training starts from: weights that already copy, built by hand."""

import torch
from torch import Tensor

from nano.config import NanoConfig
from nano.model import Attention, Nano

_SLOW = torch.cat((torch.arange(12, 32), torch.arange(44, 64)))
"""Rotary dimensions that turn so slowly that distance does not matter within a few hundred positions."""


@torch.no_grad()
def deepened(model: Nano, config: NanoConfig) -> Nano:
    """A model of `config` that computes what `model` does: the layers that it has more add nothing yet."""
    out = Nano(config)
    look_back(out)
    out.load_state_dict(model.state_dict(), strict=False)
    for block in out.layers[len(model.layers) :]:
        for weight in (block.self_attn.o_proj.weight, block.mlp.experts.down_proj):  # type: ignore[union-attr]
            weight.zero_()  # type: ignore[operator]
    return out


@torch.no_grad()
def look_back(model: Nano) -> None:
    """Make the heads of the sliding layers look a few positions back, through the biases of queries and keys.

    Head j of the first layer starts out looking j + 1 positions back, head j of a later sliding layer j back.
    """
    for index, block in enumerate(model.layers):
        attention: Attention = block.self_attn  # type: ignore[assignment]
        if attention.window is None:
            continue
        strength = torch.zeros(len(model.frequencies))
        strength[:5] = 4.5
        keys = attention.k_proj.bias.view(-1, 2, 32)
        queries = attention.q_proj.bias.view(-1, 2, 32)
        keys[:, 0] = strength
        for head in range(len(queries)):
            angles = (head + 1 if index == 0 else head) * model.frequencies
            queries[head, 0], queries[head, 1] = strength * angles.cos(), -strength * angles.sin()
        attention.q_proj.weight.mul_(0.3)
        attention.k_proj.weight.mul_(0.3)


@torch.no_grad()
def induction(model: Nano, match: float = 1.9, copy: float = 1.2) -> None:
    """Lay an induction circuit (arXiv 2209.11895) into the first two layers: find what followed the last time, copy it.

    Each head of layer 0 writes a projection of the token that it looks at into a subspace of the residual stream; one
    head of each key-value group of layer 1 looks for positions whose previous token is the current one and copies the
    token there, `head_dim` dimensions a group.
    """
    hidden, dim = model.config.hidden, model.config.head_dim
    first: Attention = model.layers[0].self_attn  # type: ignore[assignment]
    second: Attention = model.layers[1].self_attn  # type: ignore[assignment]
    read, value = _orthogonal(hidden)[:dim], _orthogonal(hidden)
    writes = [_orthogonal(hidden)[:dim] for _ in range(model.config.heads)]
    for group in range(model.config.kv_heads):
        first.v_proj.weight[group * dim : (group + 1) * dim] = read
    for head, write in enumerate(writes):
        first.o_proj.weight[:, head * dim : (head + 1) * dim] = write.T
    per = model.config.heads // model.config.kv_heads
    for group in range(min(model.config.kv_heads, hidden // dim)):
        query = slice(group * per * dim, group * per * dim + dim)
        key = slice(group * dim, group * dim + dim)
        second.q_proj.weight[query] = _on_slow(match * read)
        second.k_proj.weight[key] = _on_slow(match * writes[0])
        second.v_proj.weight[key] = value[key]
        second.o_proj.weight[:, query] = copy * value[key].T


@torch.no_grad()
def long_induction(model: Nano, write: float = 3.0, match: float = 2.5, copy: float = 3.0) -> None:
    """Lay a second induction circuit into layers 2 and 3, which finds a place by more than its last token.

    What lies between two things that are to be told apart is often the same four tokens. Head j of layer 2 looks j
    positions back (`look_back`) and writes a signature of what stands there, with what the first layer gathered from
    before it: heads 0 and 1 by one projection, heads 2 and 3 by another. One head of each group of layer 3 looks for
    positions whose signatures 1 and 3 back are its own ones 0 and 2 back, and copies the token there.
    """
    hidden, dim = model.config.hidden, model.config.head_dim
    second: Attention = model.layers[2].self_attn  # type: ignore[assignment]
    third: Attention = model.layers[3].self_attn  # type: ignore[assignment]
    size = len(_SLOW) // 2
    signs, places, value = _orthogonal(hidden), _orthogonal(hidden), _orthogonal(hidden)
    signature = [signs[i * size : (i + 1) * size] for i in range(2)]
    place = [places[i * size : (i + 1) * size] for i in range(4)]
    for head in range(4):
        second.v_proj.weight[head // 2 * dim : head // 2 * dim + size] = signature[head // 2]
        second.o_proj.weight[:, head * dim : head * dim + size] = write * place[head].T
    for group in range(2):
        query = slice(2 * group * dim, 2 * group * dim + dim)
        key = slice(group * dim, group * dim + dim)
        third.q_proj.weight[query] = _on_slow(match * torch.cat((place[0], place[2])))
        third.k_proj.weight[key] = _on_slow(match * torch.cat((place[1], place[3])))
        third.v_proj.weight[key] = value[key]
        third.o_proj.weight[:, query] = copy * value[key].T


def _on_slow(rows: Tensor) -> Tensor:
    out = torch.zeros(64, rows.shape[1])
    out[_SLOW] = rows[: len(_SLOW)]
    return out


def _orthogonal(size: int) -> Tensor:
    out: Tensor = torch.linalg.qr(torch.randn(size, size)).Q
    return out
