"""The embedded engine: a tiny model of the gpt-oss architecture on NumPy."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

import numpy as np

from ossia.engine.checks import check_request, refuse_unknown
from ossia.engine.nano._batch import Batcher, Request
from ossia.engine.nano._load import load_nano
from ossia.engine.nano._model import Model
from ossia.engine.nano._stream import TokenStream
from ossia.engine.protocol import Capabilities, Chunk, EngineInfo, Progress, Sampling
from ossia.errors import UserError
from ossia.types import Grammar, JsonValue

KEPT_BYTES = 256 << 20
"""Caches of sessions that are between two steps; for the shipped model about 60,000 token ids."""

MAX_CONTEXT = 32_768
"""Token ids of one sequence, 4 KB each while it runs. The architecture takes 131,072; nano is trained on far fewer."""


class NanoEngine:
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
    ) -> None:
        """`kept_bytes`: memory for the caches of sessions that are between two steps, the oldest dropped first."""
        self._model = model
        self._batcher = Batcher(model, kept_bytes)
        self._info = EngineInfo(
            spec="nano",
            model=name,
            max_context=min(max_context, model.config.max_position_embeddings),
            capabilities=Capabilities(seed=True, logprobs=True, prefix_cache=True),
            note=note,
            default_sampling=default_sampling or Sampling(),
        )

    @classmethod
    async def open(cls, progress: Progress | None = None) -> "NanoEngine":
        """The model that ships with ossia. The first time on a machine this makes its vocabulary table, in seconds.

        Raises `EngineError` when the table cannot be written, or the installed files are damaged.
        """
        nano = await asyncio.to_thread(load_nano, progress)
        return cls(nano.model, name=nano.name, note=nano.note, default_sampling=Sampling(temperature=0.0))

    @property
    def info(self) -> EngineInfo:
        return self._info

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        key: str,
        priority: int = 0,
        grammar: Grammar | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        """See `ossia.engine.Engine.generate`. Chunks come token by token, or several at once to a slow reader."""
        limit = check_request(self._info, self._model.config.vocab_size, prompt, sampling, grammar)
        loop = asyncio.get_running_loop()
        stream = TokenStream(loop, logprobs=sampling.logprobs)
        request = Request(
            prompt=np.array(prompt, dtype=np.int64),
            sampling=sampling,
            key=key,
            priority=priority,
            stream=stream,
            random=np.random.default_rng(sampling.seed),
            limit=limit,
        )
        self._batcher.submit(request)
        loop.call_soon(self._batcher.admit)
        try:
            finish = None
            while finish is None:
                chunk = await stream.next()
                finish = chunk.finish
                yield chunk
        finally:
            stream.cancelled = True

    async def aclose(self) -> None:
        """Stop the thread. Completions under way end with `EngineError`."""
        await asyncio.to_thread(self._batcher.close)


async def open_nano(spec: str, options: Mapping[str, JsonValue], progress: Progress | None) -> NanoEngine:
    """The opener of `nano`, which has no options."""
    if spec != "nano":
        raise UserError(f"there is no engine {spec!r}: nano is one model, and its spec is `nano`")
    refuse_unknown("nano", options, ())
    return await NanoEngine.open(progress)
