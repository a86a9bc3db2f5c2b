"""gpt-oss's shapes without its weights, which vLLM makes up (`load_format` "dummy"): speed does not depend on them.

Source: the configurations of openai/gpt-oss-20b and openai/gpt-oss-120b; `small` has their form, for a CPU.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ossia.engine.nano._config import ModelConfig
from ossia.types import JsonValue

Shape = Literal["small", "20b", "120b"]
_NOT_QUANTIZED = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]


def _published(layers: int, experts: int) -> ModelConfig:
    return ModelConfig(
        hidden_size=2880,
        intermediate_size=2880,
        num_hidden_layers=layers,
        num_attention_heads=64,
        num_key_value_heads=8,
        head_dim=64,
        num_local_experts=experts,
        num_experts_per_tok=4,
        layer_types=("sliding_attention", "full_attention") * (layers // 2),
        sliding_window=128,
    )


SHAPES: Mapping[Shape, ModelConfig] = {
    "small": ModelConfig(
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        num_local_experts=4,
        num_experts_per_tok=2,
        layer_types=("sliding_attention", "full_attention") * 2,
        sliding_window=128,
    ),
    "20b": _published(layers=24, experts=32),
    "120b": _published(layers=36, experts=128),
}
"""vLLM's experts on a CPU come in multiples of 32."""


def write_shape(directory: Path, shape: Shape) -> dict[str, JsonValue]:
    """Write a `config.json` into `directory`, which is made; the engine options with which vLLM opens it."""
    fields = SHAPES[shape].to_hf()
    if shape != "small":
        fields["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": list(_NOT_QUANTIZED)}
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(fields))
    return {"load_format": "dummy", "dtype": "bfloat16", "enforce_eager": shape == "small"}
