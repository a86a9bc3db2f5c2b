"""The engine around a batcher: what is asked of it, checked, queued and streamed."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Generic

import numpy as np

from ossia.engine.batching._batcher import Batcher, Request, Sizes
from ossia.engine.batching._sequences import CacheT, Runner
from ossia.engine.batching._stream import TokenStream
from ossia.engine.checks import check_request
from ossia.engine.masks import compile_grammar
from ossia.engine.protocol import Chunk, EngineInfo, Sampling
from ossia.types import Grammar


class BatchEngine(Generic[CacheT]):
    """An engine on a model that runs in this process.

    Any number of `generate` calls may be under way, from any event loop; they are computed together, in one thread.
    """

    def __init__(
        self, runner: Runner[CacheT], info: EngineInfo, *, vocabulary: int, kept_bytes: int, sizes: Sizes
    ) -> None:
        """`kept_bytes`: memory for the caches of sessions that are between two steps, the oldest dropped first."""
        self._batcher = Batcher(runner, kept_bytes, sizes, info.spec)
        self._info = info
        self._vocabulary = vocabulary

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
        """See `ossia.engine.Engine.generate`. Chunks come token by token, or several at once to a slow reader.

        Raises `GrammarError`, too, when the grammar can't be compiled.
        """
        limit = check_request(self._info, self._vocabulary, prompt, sampling, grammar)
        matcher = await asyncio.to_thread(compile_grammar, grammar) if grammar is not None else None
        loop = asyncio.get_running_loop()
        stream = TokenStream(loop, logprobs=sampling.logprobs)
        request: Request[CacheT] = Request(
            prompt=np.array(prompt, dtype=np.int64),
            sampling=sampling,
            key=key,
            priority=priority,
            stream=stream,
            random=np.random.default_rng(sampling.seed),
            limit=limit,
            matcher=matcher,
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
