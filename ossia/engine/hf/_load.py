"""Bringing a gpt-oss checkpoint into memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import huggingface_hub
import torch
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers import GptOssConfig, GptOssForCausalLM
from transformers.utils import logging as transformers_logging

from ossia.engine.hf._attention import ATTENTION
from ossia.engine.hf._memory import free_bytes, weight_bytes
from ossia.engine.hf._options import HfOptions
from ossia.engine.protocol import Progress
from ossia.errors import EngineError, UserError

_FILES = ["*.json", "*.safetensors"]
_OTHER_FORMS = ["original/*", "metal/*"]
"""The same weights once more, for other programs, in the repositories of gpt-oss."""
_GB = 1 << 30


def load(target: str, options: HfOptions, progress: Progress) -> GptOssForCausalLM:
    """The model of a directory or of an id on the hub. See `open_hf` for what it raises."""
    device = find_device(options.device)
    directory = find_model(target, options.revision, progress)
    config = read_config(target, directory)
    dtype = config.dtype or torch.bfloat16 if options.dtype == "auto" else getattr(torch, options.dtype)
    mxfp4 = getattr(config, "quantization_config", None) is not None
    wanted, free = weight_bytes(directory, device, dtype, mxfp4=mxfp4), free_bytes(device)
    if wanted > free:
        raise UserError(
            f"hf:{target} takes about {wanted / _GB:.1f} GB on {device} in {_name(dtype)}, where {free / _GB:.1f} GB "
            "are free: use a larger or another device, or a server that loads a smaller form (llama.cpp)"
        )
    progress(f"loading {target}", 0.0)
    model = _load(target, directory, device, dtype)
    progress(f"{target} is loaded", 1.0)
    return model


def find_device(name: str) -> torch.device:
    """Raises `UserError` where this machine has no such device."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"there is no device {name!r}: give cpu, cuda, cuda:0 or mps") from error
    available = {
        "cpu": True,
        "cuda": (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(device.type, False):
        raise UserError(f"this machine, or the torch that is installed, has no device {name!r}: give cpu, or auto")
    return device


def find_model(target: str, revision: str | None, progress: Progress) -> Path:
    """The directory of a model, downloaded from the hub where it is an id and not in the hub's cache yet."""
    path = Path(target).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or target.startswith(("~", ".")):
        raise UserError(f"hf:{target}: there is no such directory")
    progress(f"getting {target} from the hub", 0.0)
    try:
        found = huggingface_hub.snapshot_download(
            target, revision=revision, allow_patterns=_FILES, ignore_patterns=_OTHER_FORMS
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise UserError(
            f"hf:{target} is no directory, and no model of this id could be had from the hub: {_line(error)}"
        ) from error
    except OSError as error:
        raise EngineError(f"hf:{target} could not be downloaded: {_line(error)}") from error
    return Path(found)


def read_config(target: str, directory: Path) -> GptOssConfig:
    """Raises `UserError` where the directory holds no gpt-oss model."""
    try:
        fields = json.loads((directory / "config.json").read_bytes())
    except FileNotFoundError as error:
        raise UserError(f"hf:{target} holds no config.json: name the directory of a checkpoint") from error
    except (OSError, ValueError) as error:
        raise UserError(f"hf:{target}: its config.json can't be read: {_line(error)}") from error
    kind = fields.get("model_type") if isinstance(fields, dict) else None
    if kind != "gpt_oss":
        raise UserError(f"hf:{target} is a model of type {kind!r}: ossia runs gpt-oss models ('gpt_oss')")
    return GptOssConfig.from_dict(fields)


def _load(target: str, directory: Path, device: torch.device, dtype: torch.dtype) -> GptOssForCausalLM:
    try:
        with _without_bars():
            model = GptOssForCausalLM.from_pretrained(
                directory, dtype=dtype, attn_implementation=ATTENTION, device_map={"": device}, local_files_only=True
            )
    except (OSError, ValueError, RuntimeError, ImportError, SafetensorError) as error:
        # torch's lack of memory is a RuntimeError too.
        raise EngineError(f"hf:{target} could not be loaded on {device}: {_line(error)}") from error
    return model.eval()


@contextmanager
def _without_bars() -> Iterator[None]:
    """transformers draws progress bars on the terminal, which is the caller's."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
