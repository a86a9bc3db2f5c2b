"""Small random models of the gpt-oss architecture, and a way to collect what an engine streams."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.shapes import SHAPES
from ossia.engine import Chunk, Engine, Sampling
from ossia.engine.nano._config import ModelConfig
from ossia.engine.nano._model import Model
from ossia.engine.nano._tensors import Floats, Stored, from_bfloat16, to_bfloat16, write_tensors

GREEDY = Sampling(temperature=0.0)


def small_config(vocab_size: int = 2048) -> ModelConfig:
    return SHAPES["small"].model_copy(update={"intermediate_size": 48, "vocab_size": vocab_size})


def random_tensors(config: ModelConfig, seed: int, scale: float = 1.0) -> dict[str, Floats]:
    """Weights of every kind, biases and sinks among them, exact in bfloat16; `scale` stretches the logits."""
    random = np.random.default_rng(seed)

    def normal(*shape: int, std: float) -> Floats:
        return from_bfloat16(to_bfloat16(random.normal(0, std, shape).astype(np.float32)))

    def linear(name: str, rows: int, columns: int) -> dict[str, Floats]:
        return {f"{name}.weight": normal(rows, columns, std=columns**-0.5), f"{name}.bias": normal(rows, std=0.2)}

    d, inner, experts = config.hidden_size, config.intermediate_size, config.num_local_experts
    heads, groups = (n * config.head_dim for n in (config.num_attention_heads, config.num_key_value_heads))
    tensors = {
        "model.embed_tokens.weight": normal(config.vocab_size, d, std=1.0),
        "lm_head.weight": normal(config.vocab_size, d, std=scale * d**-0.5),
        "model.norm.weight": 1 + normal(d, std=0.2),
    }
    for i in range(config.num_hidden_layers):
        layer = {
            "input_layernorm.weight": 1 + normal(d, std=0.2),
            "post_attention_layernorm.weight": 1 + normal(d, std=0.2),
            **linear("self_attn.q_proj", heads, d),
            **linear("self_attn.k_proj", groups, d),
            **linear("self_attn.v_proj", groups, d),
            **linear("self_attn.o_proj", d, heads),
            "self_attn.sinks": normal(config.num_attention_heads, std=1.0),
            **linear("mlp.router", experts, d),
            "mlp.experts.gate_up_proj": normal(experts, d, 2 * inner, std=2 * d**-0.5),
            "mlp.experts.gate_up_proj_bias": normal(experts, 2 * inner, std=3.0),
            "mlp.experts.down_proj": normal(experts, inner, d, std=inner**-0.5),
            "mlp.experts.down_proj_bias": normal(experts, d, std=0.2),
        }
        tensors |= {f"model.layers.{i}.{name}": tensor for name, tensor in layer.items()}
    return {name: from_bfloat16(to_bfloat16(tensor)) for name, tensor in tensors.items()}


def random_model(seed: int = 0, scale: float = 1.0, vocab_size: int = 2048) -> Model:
    config = small_config(vocab_size)
    tensors = random_tensors(config, seed, scale)
    return Model(config, tensors, tensors["model.embed_tokens.weight"].__getitem__, tensors["lm_head.weight"].T.copy())


def write_checkpoint(directory: Path, config: ModelConfig, tensors: dict[str, Floats]) -> None:
    fields = config.to_hf() | {"eos_token_id": None, "pad_token_id": None}
    (directory / "config.json").write_text(json.dumps(fields))
    with (directory / "model.safetensors").open("wb") as file:
        write_tensors(file, {n: Stored(t.shape, [to_bfloat16(t)]) for n, t in tensors.items()}, {"format": "pt"})


@dataclass
class Collected:
    """A whole completion."""

    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def finish(self) -> str | None:
        return self.chunks[-1].finish

    @property
    def cached(self) -> int:
        told = [c.cached_tokens for c in self.chunks if c.cached_tokens is not None]
        assert len(told) == 1, "told once for each completion"
        return told[0]


async def collect(
    engine: Engine, prompt: Sequence[int], sampling: Sampling, *, key: str = "session", priority: int = 0
) -> Collected:
    whole = Collected()
    async for chunk in engine.generate(prompt, sampling, key=key, priority=priority):
        whole.chunks.append(chunk)
        whole.tokens += chunk.token_ids
        whole.logprobs += chunk.logprobs or ()
    assert [c.finish for c in whole.chunks[:-1]] == [None] * (len(whole.chunks) - 1)
    return whole
