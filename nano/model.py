"""The training forward pass of nano: the maths of `GptOssForCausalLM`, arranged for cheap training on a CPU.

All rows of a batch share one prefix (the system and developer messages), which is computed once; the rows attend to its
keys and values, gradients included. Shapes: P prefix length, B rows, T row length, N = P + B*T positions in all.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nano.config import NanoConfig
from nano.layout import Layout, rotate, yarn
from ossia.engine.nano import table

PIECE = 128
"""Queries of a row that attend at once."""


class Attention(nn.Module):
    """Grouped-query attention with biases, sinks and (in every other layer) a sliding window."""

    def __init__(self, config: NanoConfig, layer: int) -> None:
        super().__init__()
        self.config = config
        self.window = config.window if config.sliding(layer) else None
        queries, keys = config.heads * config.head_dim, config.kv_heads * config.head_dim
        self.q_proj = _linear(config.hidden, queries)
        self.k_proj = _linear(config.hidden, keys)
        self.v_proj = _linear(config.hidden, keys)
        self.o_proj = _linear(queries, config.hidden, scale=0.3)
        self.sinks = nn.Parameter(torch.zeros(config.heads))

    def forward(self, x: Tensor, at: Layout) -> Tensor:
        """x [N, hidden] -> [N, hidden]."""
        config, p = self.config, at.prefix
        q = _project(x, self.q_proj)
        k, v = _project(x, self.k_proj), _project(x, self.v_proj)
        groups, dim = config.kv_heads, config.head_dim
        per = config.heads // groups

        # Rows: q [groups, B, per, T, dim]; k, v [groups, B, T, dim]. Prefix: the same without B.
        q_rows = q[p:].view(at.rows, at.length, groups, per, dim).permute(2, 0, 3, 1, 4)
        q_rows = rotate(q_rows, at.cos[p:], at.sin[p:]) * dim**-0.5
        k_rows = k[p:].view(at.rows, at.length, groups, dim).permute(2, 0, 1, 3)
        k_rows = rotate(k_rows, at.cos[p:], at.sin[p:])
        v_rows = v[p:].view(at.rows, at.length, groups, dim).permute(2, 0, 1, 3)
        if p == 0:
            return _project(self._attend(q_rows, k_rows, v_rows, at.bias("rows", self.window), 0), self.o_proj)

        q_prefix = rotate(q[:p].view(p, groups, per, dim).permute(1, 2, 0, 3), at.cos[:p], at.sin[:p]) * dim**-0.5
        k_prefix = rotate(k[:p].view(p, groups, dim).transpose(0, 1), at.cos[:p], at.sin[:p])
        v_prefix = v[:p].view(p, groups, dim).transpose(0, 1)
        first = self._attend(q_prefix[:, None], k_prefix[:, None], v_prefix[:, None], at.bias("prefix", self.window), 0)
        seen = at.seen(self.window)
        shape = (groups, at.rows, seen, dim)
        k_all = torch.cat((k_prefix[:, None, p - seen :].expand(shape), k_rows), 2)
        v_all = torch.cat((v_prefix[:, None, p - seen :].expand(shape), v_rows), 2)
        rest = self._attend(q_rows, k_all, v_all, at.bias("rows", self.window), seen)
        return _project(torch.cat((first, rest)), self.o_proj)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor, seen: int) -> Tensor:
        """q [G, B, per, T, dim], k and v [G, B, seen + T, dim], bias [T, seen + T] -> [B*T, heads*dim].

        In pieces of the queries, each with the keys that it can see: most are hidden by causality and the window.
        """
        rows, length, pieces = q.shape[1], q.shape[3], []
        for start in range(0, length, PIECE):
            end = min(length, start + PIECE)
            first = 0 if self.window is None else max(0, start + seen - self.window + 1)
            keys = slice(first, seen + end)
            pieces.append(self._attend_piece(q[..., start:end, :], k[:, :, keys], v[:, :, keys], bias[start:end, keys]))
        return torch.cat(pieces, 3).permute(1, 3, 0, 2, 4).reshape(rows * length, -1)

    def _attend_piece(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """q [G, B, per, T, dim], k and v [G, B, S, dim], bias [T, S] -> the shape of q.

        The sink is one more key of zeros whose bias is learned, and one more value of zeros.
        """
        groups, rows, per, length, dim = q.shape
        k, v = F.pad(k, (0, 0, 0, 1)), F.pad(v, (0, 0, 0, 1))
        sinks = self.sinks.to(q.dtype).view(groups, 1, per, 1, 1).expand(-1, -1, -1, length, -1)
        bias = torch.cat((bias.expand(groups, 1, per, -1, -1), sinks), -1)
        scores = q.reshape(groups, rows, per * length, dim) @ k.transpose(-1, -2)
        weights = (scores.view(groups, rows, per, length, -1) + bias).softmax(-1)
        return (weights.view(groups, rows, per * length, -1) @ v).view(q.shape)


class Permute(torch.autograd.Function):
    """Rows in another order; its gradient is the inverse permutation, which is far cheaper than an index-add."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(inverse)
        return x.index_select(0, order)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *grads: Tensor) -> tuple[Tensor, None, None]:
        (inverse,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return grads[0].index_select(0, inverse), None, None


def permute(x: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
    """x [n, hidden] in another order [n]; `inverse` undoes it."""
    out: Tensor = Permute.apply(x, order, inverse)  # type: ignore[no-untyped-call]
    return out


class Experts(nn.Module):
    """The experts' weights. Gate and up stand one behind the other here; the export interleaves them."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        e, d, i = config.experts, config.hidden, config.intermediate
        self.gate_up_proj = nn.Parameter(torch.randn(e, d, 2 * i) * d**-0.5)
        self.gate_up_proj_bias = nn.Parameter(torch.zeros(e, 2 * i))
        self.down_proj = nn.Parameter(torch.randn(e, i, d) * 0.1 * i**-0.5)
        self.down_proj_bias = nn.Parameter(torch.zeros(e, d))
        self.limit, self.alpha = config.swiglu_limit, config.swiglu_alpha

    def one(self, expert: int, x: Tensor) -> Tensor:
        """x [n, hidden] through one expert."""
        h = torch.addmm(self.gate_up_proj_bias[expert].to(x.dtype), x, self.gate_up_proj[expert].to(x.dtype))
        gate, up = h.chunk(2, -1)
        gate, up = gate.clamp(max=self.limit), up.clamp(-self.limit, self.limit)
        h = (up + 1) * (gate * torch.sigmoid(gate * self.alpha))
        return torch.addmm(self.down_proj_bias[expert].to(x.dtype), h, self.down_proj[expert].to(x.dtype))


class Mixture(nn.Module):
    """Mixture of experts: a softmax over the top-k router logits weighs the experts' outputs."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.top, self.count = config.active_experts, config.experts
        self.router = _linear(config.hidden, config.experts, scale=0.5)
        self.experts = Experts(config)
        self.balance = torch.zeros(())
        """Load-balancing loss of the last forward pass: 1 when the experts are used equally."""

    def forward(self, x: Tensor) -> Tensor:
        logits = _project(x, self.router).float()
        best, chosen = logits.topk(self.top, -1)
        weights = best.softmax(-1).to(x.dtype)
        flat = chosen.flatten()
        order = flat.argsort(stable=True)
        inverse = torch.empty_like(order)
        inverse[order] = torch.arange(len(order))
        counts = flat.bincount(minlength=self.count)
        self.balance = self.count * (logits.softmax(-1).mean(0) * counts / len(flat)).sum()

        copies = x[:, None].expand(-1, self.top, -1).reshape(len(flat), -1)
        grouped = permute(copies, order, inverse).split(counts.tolist())  # type: ignore[no-untyped-call]
        out = torch.cat([self.experts.one(e, part) for e, part in enumerate(grouped)])
        back = permute(out, inverse, order).view(len(x), self.top, -1)
        return (back * weights[..., None]).sum(1)


class Norm(nn.Module):
    """RMSNorm."""

    def __init__(self, config: NanoConfig, value: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((config.hidden,), value))
        self.eps = config.eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.eps)


class Block(nn.Module):
    """One layer: attention, then the mixture of experts, each on the normed residual stream."""

    def __init__(self, config: NanoConfig, layer: int) -> None:
        super().__init__()
        self.input_layernorm = Norm(config)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = Norm(config)
        self.mlp = Mixture(config)

    def forward(self, x: Tensor, at: Layout) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), at)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Nano(nn.Module):
    """The trained part of nano, with the frozen table on both ends."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(Block(config, i) for i in range(config.layers))
        self.norm = Norm(config, 1.5)
        self.table: Tensor
        self.register_buffer("table", frozen_table(config.hidden), persistent=False)
        self.frequencies, self.attention_scale = yarn(config)

    def forward(self, prefix: Tensor, ids: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """prefix [P], ids [B, T] -> hidden states of the rows after the last norm, [B*T, hidden]."""
        at = Layout.make(self.config, len(prefix), ids.shape, self.frequencies, self.attention_scale, dtype)
        tokens = torch.cat((prefix, ids.reshape(-1)))
        x = (F.embedding(tokens, self.table) * table.EMBED_SCALE).to(dtype)
        for layer in self.layers:
            x = layer(x, at)
        out: Tensor = self.norm(x[len(prefix) :])
        return out

    def balance(self) -> Tensor:
        """Mean load-balancing loss of the last forward pass."""
        return torch.stack([layer.mlp.balance for layer in self.layers]).mean()  # type: ignore[union-attr, misc]


@lru_cache(maxsize=1)
def frozen_table(hidden: int) -> Tensor:
    """The vocabulary table, [V, hidden]: built once in a process, since it never changes."""
    return torch.from_numpy(table.build(hidden))


@dataclass(frozen=True, slots=True)
class Split:
    """The parameters by optimiser: matrices for Muon, the rest for AdamW."""

    matrices: list[nn.Parameter]
    others: list[nn.Parameter]


def split_parameters(model: Nano) -> Split:
    """Matrices are the attention projections and the experts; router, biases, norms and sinks are the rest."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        matrix = parameter.ndim >= 2 and "router" not in name and "bias" not in name
        (matrices if matrix else others).append(parameter)
    return Split(matrices, others)


def _linear(inputs: int, outputs: int, scale: float = 1.0) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    with torch.no_grad():
        layer.weight.normal_(std=scale * inputs**-0.5)
        layer.bias.zero_()
    return layer


def _project(x: Tensor, layer: nn.Linear) -> Tensor:
    """A linear layer whose float32 weights are used in the precision of `x`."""
    return F.linear(x, layer.weight.to(x.dtype), layer.bias.to(x.dtype))


def fast_dtype() -> torch.dtype:
    """bfloat16 where the processor has AVX-512 instructions for it, else float32, then 80 times as fast."""
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32
