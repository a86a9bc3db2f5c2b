"""The embedded engine: a tiny model of the gpt-oss architecture on NumPy."""

import asyncio
from collections.abc import Mapping

from ossia.engine.batching import BatchEngine, Sizes
from ossia.engine.checks import refuse_unknown
from ossia.engine.masks import VOCABULARY
from ossia.engine.nano._kv import KVCache
from ossia.engine.nano._load import load_nano
from ossia.engine.nano._model import Model
from ossia.engine.protocol import Capabilities, EngineInfo, Progress, Sampling
from ossia.errors import UserError
from ossia.types import JsonValue

KEPT_BYTES = 256 << 20
"""Caches of sessions that are between two steps; for the shipped model about 43,000 token ids."""

MAX_CONTEXT = 32_768
"""Token ids of one sequence, 6 KB each while it runs. The architecture takes 131,072; nano is trained on far fewer."""


class NanoEngine(BatchEngine[KVCache]):
    """Runs a model of the gpt-oss architecture on NumPy. Open it with `open_engine("nano")`.

    Any number of `generate` calls may be under way, from any event loop; they are computed together, in one thread.
    """

    def __init__(
        self,
        model: Model,
        *,
        name: str = "nano",
        note: str | None = None,
        default_sampling: Sampling | None = None,
        max_context: int = MAX_CONTEXT,
        kept_bytes: int = KEPT_BYTES,
        sizes: Sizes | None = None,
    ) -> None:
        """`kept_bytes`: memory for the caches of sessions that are between two steps, the oldest dropped first."""
        config = model.config
        info = EngineInfo(
            spec="nano",
            model=name,
            max_context=min(max_context, config.max_position_embeddings),
            capabilities=Capabilities(
                seed=True, logprobs=True, grammar=config.vocab_size == VOCABULARY, prefix_cache=True
            ),
            note=note,
            default_sampling=default_sampling or Sampling(),
        )
        super().__init__(model, info, vocabulary=config.vocab_size, kept_bytes=kept_bytes, sizes=sizes or Sizes())

    @classmethod
    async def open(cls, progress: Progress | None = None) -> "NanoEngine":
        """The model that ships with ossia. The first time on a machine this makes its vocabulary table, in seconds.

        Raises `EngineError` when the table cannot be written, or the installed files are damaged.
        """
        nano = await asyncio.to_thread(load_nano, progress)
        return cls(nano.model, name=nano.name, note=nano.note, default_sampling=Sampling(temperature=0.0))


async def open_nano(spec: str, options: Mapping[str, JsonValue], progress: Progress | None) -> NanoEngine:
    """The opener of `nano`, which has no options."""
    if spec != "nano":
        raise UserError(f"there is no engine {spec!r}: nano is one model, and its spec is `nano`")
    refuse_unknown("nano", options, ())
    return await NanoEngine.open(progress)
