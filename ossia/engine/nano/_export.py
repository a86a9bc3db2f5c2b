"""Writing nano as an ordinary Hugging Face checkpoint."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ossia.engine.nano._load import Core, read_core
from ossia.engine.nano._mxfp4 import Bytes, pack_experts
from ossia.engine.nano._tensors import Bits, Floats, Stored, to_bfloat16, write_tensors
from ossia.engine.nano._tokenizer import tokenizer_config, tokenizer_json
from ossia.engine.nano._vocabulary import open_table
from ossia.engine.protocol import Progress
from ossia.errors import EngineError, UserError
from ossia.types import JsonValue

_ROWS = 8192
_QUANTIZATION: dict[str, JsonValue] = {
    "quantization_config": {
        "quant_method": "mxfp4",
        "modules_to_not_convert": [
            "model.layers.*.self_attn",
            "model.layers.*.mlp.router",
            "model.embed_tokens",
            "lm_head",
        ],
    }
}


def export_checkpoint(directory: str | Path, progress: Progress | None = None, *, mxfp4: bool = False) -> None:
    """Write nano to a new or empty directory (about 130 MB) as transformers, vLLM and others load it.

    `config.json`, `model.safetensors` in bfloat16, `generation_config.json`, `tokenizer.json` and
    `tokenizer_config.json`. `mxfp4`: the experts in MXFP4, as gpt-oss is published. Raises `UserError` when the
    directory holds something already, `EngineError` when it cannot be written; then nothing is left behind.
    """
    target = Path(directory)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UserError(f"{target} exists already: name a new or empty directory")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
            whole = Path(scratch) / "checkpoint"
            whole.mkdir()
            _write(whole, progress or (lambda _what, _share: None), mxfp4)
            whole.replace(target)
    except OSError as error:
        raise EngineError(f"nano cannot be written to {target}: {error.strerror or error}") from error


def _write(directory: Path, progress: Progress, mxfp4: bool) -> None:
    core = read_core()
    quantization = _QUANTIZATION if mxfp4 else {}
    files: dict[str, Callable[[], dict[str, JsonValue]]] = {
        "config.json": lambda: core.config.to_hf() | quantization,
        "generation_config.json": _generation_config,
        "tokenizer_config.json": tokenizer_config,
        "tokenizer.json": tokenizer_json,
    }
    for count, (name, content) in enumerate(files.items()):
        progress(f"writing {name}", count / (len(files) + 1))
        (directory / name).write_text(json.dumps(content(), ensure_ascii=False), encoding="utf-8")
    progress("writing model.safetensors", len(files) / (len(files) + 1))
    with (directory / "model.safetensors").open("wb") as file:
        write_tensors(file, _tensors(core, mxfp4), {"format": "pt"})
    progress("nano is written", 1.0)


def _tensors(core: Core, mxfp4: bool) -> dict[str, Stored]:
    table = open_table(core.config.hidden_size, core.table_seed)
    shape = (table.shape[1], table.shape[0])
    trained = pack_experts(core.tensors) if mxfp4 else core.tensors
    return {
        "model.embed_tokens.weight": Stored(shape, _rows(table, core.embed_scale)),
        "lm_head.weight": Stored(shape, _rows(table, 1.0)),
        **{name: _stored(tensor) for name, tensor in trained.items()},
    }


def _stored(tensor: Floats | Bytes) -> Stored:
    if tensor.dtype == np.uint8:
        return Stored(tensor.shape, [tensor.astype(np.uint8)], "U8")
    return Stored(tensor.shape, [to_bfloat16(tensor.astype(np.float32))])


def _rows(table: Floats, scale: float) -> Iterator[Bits]:
    """The table's rows times `scale`, a power of two so that nothing is lost in bfloat16, in pieces."""
    for start in range(0, table.shape[1], _ROWS):
        yield to_bfloat16(table[:, start : start + _ROWS].T * scale)


def _generation_config() -> dict[str, JsonValue]:
    return {
        "bos_token_id": 199_998,
        "do_sample": False,
        "eos_token_id": [200_002, 199_999, 200_012],
        "pad_token_id": 199_999,
    }
