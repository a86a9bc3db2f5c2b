"""The engine on transformers."""

from pathlib import Path

from transformers import GptOssForCausalLM

from ossia.engine.batching import BatchEngine, Sizes
from ossia.engine.hf._cache import TorchCache
from ossia.engine.hf._memory import free_bytes
from ossia.engine.hf._options import HfOptions
from ossia.engine.hf._runner import TorchRunner
from ossia.engine.masks import VOCABULARY
from ossia.engine.protocol import Capabilities, EngineInfo

_CPU_PIECE = 256
_GPU_PIECE = 1024
"""Prompt token ids that are computed together: a GPU is not filled by less."""


class HfEngine(BatchEngine[TorchCache]):
    """Runs a gpt-oss model by transformers. Open it with `open_engine("hf:PATH-OR-ID")`.

    Any number of `generate` calls may be under way, from any event loop; they are computed together, in one thread.
    """

    def __init__(self, model: GptOssForCausalLM, options: HfOptions) -> None:
        """`model`: as `_load.load` gives it."""
        runner = TorchRunner(model)
        device, config = runner.shape.device, model.config
        free = free_bytes(device)
        fitting = min(config.max_position_embeddings, free // 2 // runner.shape.token_bytes)
        name = str(config.name_or_path)
        info = EngineInfo(
            spec=f"hf:{name}",
            model=Path(name).name,
            max_context=max(1, min(options.max_context or fitting, config.max_position_embeddings)),
            capabilities=Capabilities(
                seed=True, logprobs=True, grammar=config.vocab_size == VOCABULARY, prefix_cache=True
            ),
        )
        piece = _CPU_PIECE if device.type == "cpu" else _GPU_PIECE
        super().__init__(
            runner,
            info,
            vocabulary=config.vocab_size,
            kept_bytes=free // 4 if options.kept_bytes is None else options.kept_bytes,
            sizes=Sizes(running=options.running, piece=piece, prefill=piece, idle_prefill=8 * piece),
        )
