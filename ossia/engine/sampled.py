"""Whole completions of an engine: one, or several of the same prompt at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from ossia.engine.protocol import Chunk, Engine, Finish, Sampling
from ossia.errors import EngineError, UserError
from ossia.types import Grammar


@dataclass(frozen=True, slots=True)
class Sampled:
    """A whole completion."""

    token_ids: tuple[int, ...]
    """Shape [k], the stop id that ended it among them."""
    logprobs: tuple[float, ...] | None
    """Natural log probabilities of `token_ids`, shape [k], where asked for."""
    finish: Finish
    cached_tokens: int | None
    """Prompt token ids that were served from the prefix cache, where the engine tells."""


async def sample(
    engine: Engine,
    prompt: Sequence[int],
    sampling: Sampling,
    *,
    key: str,
    priority: int = 0,
    grammar: Grammar | None = None,
) -> Sampled:
    """One completion of `prompt` (token ids, shape [n]), read to its end.

    To go on from a forced beginning, let the prompt end with it: what is returned follows it. Raises what
    `Engine.generate` raises, and `EngineError` where the engine ends without a finish.
    """
    ids: list[int] = []
    logprobs: list[float] = []
    finish: Finish | None = None
    cached = None
    async with closing(engine.generate(prompt, sampling, key=key, priority=priority, grammar=grammar)) as chunks:
        async for chunk in chunks:
            ids += chunk.token_ids
            logprobs += chunk.logprobs or ()
            finish = chunk.finish or finish
            cached = chunk.cached_tokens if chunk.cached_tokens is not None else cached
    if finish is None:
        raise EngineError(f"the engine {engine.info.spec} ended a completion of {len(ids)} token ids without a finish")
    return Sampled(tuple(ids), tuple(logprobs) if sampling.logprobs else None, finish, cached)


async def samples(
    engine: Engine,
    prompt: Sequence[int],
    sampling: Sampling,
    *,
    n: int,
    key: str,
    priority: int = 0,
    grammar: Grammar | None = None,
) -> list[Sampled]:
    """`n` completions of one prompt, sampled at once; an engine with a prefix cache computes the prompt once.

    They share `key`, so that they meet in one cache. A seed is counted up by one from each to the next, so that they
    differ and can be had again. The first error ends them all, and so does cancelling: none goes on unseen.
    Raises `UserError` for `n` below 1, and what `Engine.generate` raises.
    """
    if n < 1:
        raise UserError(f"n is {n}: ask for 1 completion or more")
    tasks = [
        asyncio.ensure_future(
            sample(engine, prompt, _numbered(sampling, i), key=key, priority=priority, grammar=grammar)
        )
        for i in range(n)
    ]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def closing(chunks: AsyncIterator[Chunk]) -> AsyncIterator[AsyncIterator[Chunk]]:
    """Closes what `generate` gave, where it can be closed, however the block is left; that aborts the generation."""
    try:
        yield chunks
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await asyncio.shield(close())


def _numbered(sampling: Sampling, i: int) -> Sampling:
    return sampling if sampling.seed is None else replace(sampling, seed=sampling.seed + i)
