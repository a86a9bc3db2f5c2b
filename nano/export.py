"""From training weights to the shipped core, and back."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from nano.config import NanoConfig
from nano.model import Nano
from ossia.engine.nano import table


def state(model: Nano) -> dict[str, Tensor]:
    """The trained tensors under the names and in the layout of `GptOssForCausalLM`, bfloat16."""
    out = {}
    for name, value in model.state_dict().items():
        if "gate_up_proj" in name:  # halves -> interleaved
            value = torch.stack(value.chunk(2, -1), -1).flatten(-2)
        out[f"model.{name}"] = value.to(torch.bfloat16).contiguous()
    return out


def save_core(model: Nano, path: Path, notes: Mapping[str, str] | None = None) -> None:
    """Write the trained tensors, and the config and the table's seed as metadata; the file changes at once."""
    metadata = {
        "format": "pt",
        "config": json.dumps(model.config.huggingface()),
        "table_seed": table.SEED,
        "embed_scale": str(table.EMBED_SCALE),
        **(notes or {}),
    }
    partial = path.with_suffix(".partial")
    save_file(state(model), partial, metadata=metadata)
    partial.replace(path)


def load_core(path: Path) -> Nano:
    """A model with the weights of a core file, of as many layers as it has."""
    with safe_open(path, "pt") as file:
        layers = json.loads(file.metadata()["config"])["num_hidden_layers"]
    model = Nano(NanoConfig(layers=layers))
    weights = {}
    for name, value in load_file(path).items():
        value = value.float()
        if "gate_up_proj" in name:
            value = torch.cat((value[..., ::2], value[..., 1::2]), -1)
        weights[name.removeprefix("model.")] = value
    model.load_state_dict(weights)
    return model
