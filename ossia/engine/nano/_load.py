"""Bringing the shipped model into memory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ossia.engine.nano._config import ModelConfig
from ossia.engine.nano._kv import Tokens
from ossia.engine.nano._model import Model
from ossia.engine.nano._mxfp4 import unpack_experts
from ossia.engine.nano._tensors import Floats, read_tensors
from ossia.engine.nano._vocabulary import open_table
from ossia.engine.protocol import Progress
from ossia.errors import EngineError

CORE = Path(__file__).with_name("core.safetensors")
"""The trained weights: all but the two vocabulary matrices, which are the table and a multiple of it."""


@dataclass(frozen=True, slots=True)
class Nano:
    """The shipped model and what is to be said of it."""

    model: Model
    name: str
    note: str


@dataclass(frozen=True, slots=True)
class Core:
    """What a core file holds."""

    config: ModelConfig
    tensors: Mapping[str, Floats]
    table_seed: str
    embed_scale: float
    """Input embeddings are rows of the table times this."""

    @property
    def parameters(self) -> int:
        return sum(tensor.size for tensor in self.tensors.values())


def read_core(path: Path = CORE) -> Core:
    """Raises `EngineError` when the file is missing or damaged."""
    tensors, metadata = read_tensors(path)
    try:
        config = ModelConfig.from_hf(json.loads(metadata["config"]))
        return Core(config, tensors, metadata["table_seed"], float(metadata["embed_scale"]))
    except (KeyError, ValueError) as error:
        raise EngineError(f"{path} does not say which model it is: {error!r}") from error


def load_nano(progress: Progress | None = None) -> Nano:
    """The shipped model, its table made first where it is not in the cache yet."""
    core = read_core()
    unembed = open_table(core.config.hidden_size, core.table_seed, progress)

    def embed(tokens: Tokens) -> Floats:
        return unembed[:, tokens].T * core.embed_scale

    millions = f"{core.parameters / 1e6:.1f} million"
    return Nano(
        model=Model(core.config, core.tensors, embed, unembed),
        name="nano",
        note=f"nano is a tiny test model of this project ({millions} trained parameters), not gpt-oss: it can do a "
        "little arithmetic with python, and is there to try ossia out and to test with",
    )


def load_checkpoint(directory: Path) -> Model:
    """An ordinary Hugging Face checkpoint in one file, its experts in MXFP4 or not, such as `export_checkpoint` writes.

    Raises `EngineError` when it is no gpt-oss model or is damaged.
    """
    try:
        fields = json.loads((directory / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        raise EngineError(f"{directory} holds no readable config.json: {error}") from error
    config = ModelConfig.from_hf(fields)
    tensors = unpack_experts(read_tensors(directory / "model.safetensors")[0])
    rows = tensors["model.embed_tokens.weight"]
    return Model(config, tensors, rows.__getitem__, tensors["lm_head.weight"].T.copy())
