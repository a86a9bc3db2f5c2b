"""The forward pass of gpt-oss on NumPy, in float32.

The architecture is that of `GptOssForCausalLM` in transformers, unmodified: grouped-query attention with learned sinks
(layers alternate between a sliding window and full attention), rotary positions with YaRN, a mixture of experts with a
clamped SwiGLU, RMS norms. Shapes: T token ids of all sequences of a batch one after another; d hidden size; H heads of
size h in G key/value groups; E experts of inner size I; V vocabulary.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ossia.engine import batching
from ossia.engine.nano._config import ModelConfig, Yarn
from ossia.engine.nano._kv import KVCache, Tokens
from ossia.engine.nano._tensors import Floats

Segment: TypeAlias = batching.Segment[KVCache]
"""New token ids of one sequence, to be computed behind what its cache holds."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The weights of one layer, as the products below want them: [in, out]."""

    attention_norm: Floats
    qkv: Floats
    """[d, (H + 2G) h]: queries, scaled by h ** -0.5 for the scores; keys; values."""
    qkv_bias: Floats
    out: Floats
    """[H h, d]"""
    out_bias: Floats
    sinks: Floats
    """[G, H / G, 1, 1]"""
    experts_norm: Floats
    router: Floats
    """[d, E]"""
    router_bias: Floats
    gate_up: Floats
    """[E, d, 2 I]: the gate's columns, then those of the up projection."""
    gate_up_bias: Floats
    down: Floats
    """[E, I, d]"""
    down_bias: Floats
    window: int | None


class Model:
    """A gpt-oss model in memory. It holds no state of any sequence."""

    def __init__(
        self,
        config: ModelConfig,
        tensors: Mapping[str, Floats],
        embed: Callable[[Tokens], Floats],
        unembed: Floats,
    ) -> None:
        """`tensors`: under the names of transformers' state dict; `embed`: token ids [T] -> [T, d]; `unembed`: [d, V],
        rows contiguous, so that reading it is one pass over memory."""
        self.config = config
        self.layers = [_layer(config, tensors, i) for i in range(config.num_hidden_layers)]
        self._norm = tensors["model.norm.weight"]
        self._embed = embed
        self._unembed = unembed
        self._frequencies, self._rope_scale = yarn_frequencies(config.rope_parameters, config.head_dim)
        self._logits: Floats = np.empty((0, unembed.shape[1]), dtype=np.float32)

    def forward(self, segments: Sequence[Segment]) -> Floats:
        """Compute new token ids of several sequences at once and add them to their caches.

        Returns the hidden states after the last norm, shape [T, d], T the sum of the segments' lengths.
        """
        for segment in segments:
            segment.cache.reserve(segment.cache.length + len(segment.tokens))
        x = self._embed(np.concatenate([s.tokens for s in segments]))
        rope = self._rope(np.concatenate([s.cache.length + np.arange(len(s.tokens)) for s in segments]))
        eps = self.config.rms_norm_eps
        for i, layer in enumerate(self.layers):
            x = x + self._attention(i, layer, rms_norm(x, layer.attention_norm, eps), segments, rope)
            x = x + self._experts(layer, rms_norm(x, layer.experts_norm, eps))
        for segment in segments:
            segment.cache.advance(segment.tokens)
        return rms_norm(x, self._norm, eps)

    def logits(self, hidden: Floats) -> Floats:
        """Hidden states [n, d] -> logits [n, V], in a buffer that the next call overwrites.

        The buffer is kept because fresh pages for n * 0.8 MB would cost as much as the product itself.
        """
        if len(self._logits) < len(hidden):
            self._logits = np.empty((len(hidden), self._unembed.shape[1]), dtype=np.float32)
        return np.matmul(hidden, self._unembed, out=self._logits[: len(hidden)])

    def new_cache(self) -> KVCache:
        return KVCache(self.config)

    def compute(self, pieces: Sequence[batching.Piece[KVCache]]) -> Floats:
        """See `ossia.engine.batching.Runner.compute`."""
        wanted: list[Floats] = []
        for piece in pieces:
            states = self.forward(piece.segments)
            ends = np.cumsum([len(segment.tokens) for segment in piece.segments]) - 1
            wanted += [states[ends[i]] for i in piece.wanted]
        return self.logits(np.stack(wanted)) if wanted else self._logits[:0]

    def _rope(self, positions: Tokens) -> tuple[Floats, Floats]:
        """Cosines and sines for positions [T], each of shape [T, 1, h / 2]."""
        angles = positions.astype(np.float32)[:, None, None] * self._frequencies
        return np.cos(angles) * self._rope_scale, np.sin(angles) * self._rope_scale

    def _attention(
        self, index: int, layer: Layer, x: Floats, segments: Sequence[Segment], rope: tuple[Floats, Floats]
    ) -> Floats:
        heads, groups = self.config.num_attention_heads, self.config.num_key_value_heads
        qkv = (x @ layer.qkv + layer.qkv_bias).reshape(len(x), heads + 2 * groups, self.config.head_dim)
        rotated, values = rotate(qkv[:, : heads + groups], rope), qkv[:, heads + groups :]
        queries, keys = rotated[:, :heads], rotated[:, heads:]
        out = np.empty((len(x), heads, self.config.head_dim), dtype=np.float32)
        row = 0
        for segment in segments:
            rows = slice(row, row := row + len(segment.tokens))
            segment.cache.write(index, keys[rows].swapaxes(0, 1), values[rows].swapaxes(0, 1))
            out[rows] = attend(queries[rows], segment.cache, index, layer)
        return out.reshape(len(x), -1) @ layer.out + layer.out_bias

    def _experts(self, layer: Layer, x: Floats) -> Floats:
        scores = x @ layer.router + layer.router_bias
        chosen = np.argsort(-scores, axis=1, kind="stable")[:, : self.config.num_experts_per_tok]
        weights = softmax(scores[np.arange(len(x))[:, None], chosen])
        out = np.zeros_like(x)
        for expert in range(self.config.num_local_experts):
            rows, rank = np.nonzero(chosen == expert)
            if len(rows):
                hidden = self._swiglu(x[rows] @ layer.gate_up[expert] + layer.gate_up_bias[expert])
                out[rows] += weights[rows, rank, None] * (hidden @ layer.down[expert] + layer.down_bias[expert])
        return out

    def _swiglu(self, gate_up: Floats) -> Floats:
        """Clamped SwiGLU: [n, 2 I] -> [n, I]."""
        inner, limit = self.config.intermediate_size, np.float32(self.config.swiglu_limit)
        gate: Floats = np.minimum(gate_up[:, :inner], limit)
        up: Floats = np.maximum(np.minimum(gate_up[:, inner:], limit), -limit)
        # The exponent is bounded because float32 overflows beyond 88; the sigmoid is 0 to working precision there.
        sigmoid = 1 / (1 + np.exp(np.minimum(-self.config.swiglu_alpha * gate, 80)))
        out: Floats = (up + 1) * (gate * sigmoid)
        return out


def attend(queries: Floats, cache: KVCache, index: int, layer: Layer) -> Floats:
    """Attention of one sequence's new queries [t, H, h] over its cache and themselves -> [t, H, h].

    The sink of a head is one more logit in its softmax, with no value: what it takes is attention paid to nothing.
    """
    count, heads, size = queries.shape
    start, end = cache.length, cache.length + count
    first = 0 if layer.window is None else max(0, start - layer.window + 1)
    keys, values = cache.read(index, first, end)
    groups = len(keys)
    grouped = queries.swapaxes(0, 1).reshape(groups, -1, size)
    scores = (grouped @ keys.swapaxes(1, 2)).reshape(groups, heads // groups, count, end - first)
    if count > 1:
        scores += causal_mask(start, end, first, layer.window)
    top = np.maximum(scores.max(axis=-1, keepdims=True), layer.sinks)
    scores = np.exp(scores - top)
    scores /= scores.sum(axis=-1, keepdims=True) + np.exp(layer.sinks - top)
    mixed: Floats = scores.reshape(groups, -1, end - first) @ values
    return mixed.reshape(heads, count, size).swapaxes(0, 1)


def causal_mask(start: int, end: int, first: int, window: int | None) -> Floats:
    """0 where query start..end sees key first..end, else -inf; shape [end - start, end - first]."""
    distance = np.arange(start, end)[:, None] - np.arange(first, end)
    visible = (distance >= 0) & (distance < (window or end + 1))
    return np.where(visible, np.float32(0), np.float32(-np.inf))


def rotate(x: Floats, rope: tuple[Floats, Floats]) -> Floats:
    """Rotary positions on [T, n, h]: dimension i pairs with i + h / 2."""
    cos, sin = rope
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return np.concatenate((a * cos - b * sin, b * cos + a * sin), axis=-1)


def rms_norm(x: Floats, weight: Floats, eps: float) -> Floats:
    squares: Floats = np.add.reduce(x * x, axis=-1, keepdims=True)
    scale: Floats = 1 / np.sqrt(squares / np.float32(x.shape[-1]) + np.float32(eps))
    return x * scale * weight


def softmax(x: Floats) -> Floats:
    e: Floats = np.exp(x - x.max(axis=-1, keepdims=True))
    e /= e.sum(axis=-1, keepdims=True)
    return e


def yarn_frequencies(yarn: Yarn, head_dim: int) -> tuple[Floats, np.float32]:
    """Rotary frequencies [h / 2] and the factor on cosines and sines (arXiv 2309.00071, section 3).

    Dimensions that turn often within the trained context keep their frequency, those that turn seldom are slowed by
    `factor`, with a linear ramp between.
    """

    def dimension(turns: float) -> float:
        context = yarn.original_max_position_embeddings
        return head_dim * math.log(context / (turns * 2 * math.pi)) / (2 * math.log(yarn.rope_theta))

    low, high = dimension(yarn.beta_fast), dimension(yarn.beta_slow)
    if yarn.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, head_dim - 1)
    half = np.arange(head_dim // 2, dtype=np.float32)
    slowed = np.clip((half - np.float32(low)) / np.float32(max(high - low, 0.001)), 0, 1)
    plain = 1 / np.power(np.float32(yarn.rope_theta), half * np.float32(2 / head_dim))
    frequencies = plain / np.float32(yarn.factor) * slowed + plain * (1 - slowed)
    return frequencies.astype(np.float32), np.float32(0.1 * math.log(yarn.factor) + 1)


def _layer(config: ModelConfig, tensors: Mapping[str, Floats], index: int) -> Layer:
    prefix = f"model.layers.{index}."

    def get(name: str) -> Floats:
        return tensors[prefix + name]

    def deinterleave(name: str) -> Floats:
        whole = get(name)
        return np.concatenate((whole[..., ::2], whole[..., 1::2]), axis=-1)

    scales = {"q_proj": np.float32(config.head_dim**-0.5), "k_proj": np.float32(1), "v_proj": np.float32(1)}
    groups = config.num_key_value_heads
    return Layer(
        attention_norm=get("input_layernorm.weight"),
        qkv=np.concatenate([get(f"self_attn.{p}.weight") * scale for p, scale in scales.items()]).T.copy(),
        qkv_bias=np.concatenate([get(f"self_attn.{p}.bias") * scale for p, scale in scales.items()]),
        out=get("self_attn.o_proj.weight").T.copy(),
        out_bias=get("self_attn.o_proj.bias"),
        sinks=get("self_attn.sinks").reshape(groups, -1, 1, 1),
        experts_norm=get("post_attention_layernorm.weight"),
        router=get("mlp.router.weight").T.copy(),
        router_bias=get("mlp.router.bias"),
        gate_up=deinterleave("mlp.experts.gate_up_proj"),
        gate_up_bias=deinterleave("mlp.experts.gate_up_proj_bias"),
        down=get("mlp.experts.down_proj"),
        down_bias=get("mlp.experts.down_proj_bias"),
        window=config.window(index),
    )
