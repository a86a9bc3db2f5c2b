"""Where training starts from: weights that already copy, built by hand."""

import torch
from torch import Tensor

from nano.model import Attention, Nano

_SLOW = torch.cat((torch.arange(12, 32), torch.arange(44, 64)))
"""Rotary dimensions that turn so slowly that distance does not matter within a few hundred positions."""


@torch.no_grad()
def look_back(model: Nano) -> None:
    """Make the heads of the sliding layers look a few positions back, through the biases of queries and keys.

    Head j of the first layer starts out looking j + 1 positions back, head j of a later sliding layer j back.
    """
    for index, block in enumerate(model.layers):
        attention: Attention = block.self_attn  # type: ignore[assignment]
        if attention.window is None:
            continue
        strength = torch.zeros(32)
        strength[:5] = 4.5 if index == 0 else 2.5
        keys = attention.k_proj.bias.view(-1, 2, 32)
        queries = attention.q_proj.bias.view(-1, 2, 32)
        keys[:, 0] = strength
        for head in range(len(queries)):
            angles = (head + 1 if index == 0 else head) * model.frequencies
            queries[head, 0], queries[head, 1] = strength * angles.cos(), -strength * angles.sin()
        attention.q_proj.weight.mul_(0.3)
        attention.k_proj.weight.mul_(0.3)


@torch.no_grad()
def induction(model: Nano, match: float = 1.9, copy: float = 2.5) -> None:
    """Lay an induction circuit (arXiv 2209.11895) into the first two layers: find what followed the last time, copy it.

    The first head of layer 0 writes a projection of the previous token into a subspace of the residual stream; one head
    of each key-value group of layer 1 looks for positions whose previous token is the current one and copies the token
    there, `head_dim` dimensions a group.
    """
    hidden, dim = model.config.hidden, model.config.head_dim
    first: Attention = model.layers[0].self_attn  # type: ignore[assignment]
    second: Attention = model.layers[1].self_attn  # type: ignore[assignment]
    read, write, value = _orthogonal(hidden)[:dim], _orthogonal(hidden)[:dim], _orthogonal(hidden)
    first.v_proj.weight[:dim] = read
    first.o_proj.weight.mul_(0.5)
    first.o_proj.weight[:, :dim] = write.T
    per = model.config.heads // model.config.kv_heads
    for group in range(min(model.config.kv_heads, hidden // dim)):
        query = slice(group * per * dim, group * per * dim + dim)
        key = slice(group * dim, group * dim + dim)
        second.q_proj.weight[query] = _on_slow(match * read)
        second.k_proj.weight[key] = _on_slow(match * write)
        second.v_proj.weight[key] = value[key]
        second.o_proj.weight[:, query] = copy * value[key].T


def _on_slow(rows: Tensor) -> Tensor:
    out = torch.zeros_like(rows)
    out[_SLOW] = rows[: len(_SLOW)]
    return out


def _orthogonal(size: int) -> Tensor:
    out: Tensor = torch.linalg.qr(torch.randn(size, size)).Q
    return out
