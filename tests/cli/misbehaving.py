"""Engines that break one promise each, around one that keeps them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace

from ossia import harmony
from ossia.engine import STOP_TOKEN_IDS, Chunk, Engine, EngineInfo, Sampling
from ossia.errors import EngineError, UserError
from ossia.types import Grammar


class Misbehaving:
    """Passes everything on; subclasses change one thing."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner

    @property
    def info(self) -> EngineInfo:
        return self.inner.info

    def prompt(self, prompt: Sequence[int]) -> Sequence[int]:
        return prompt

    def chunks(self, chunks: AsyncIterator[Chunk], prompt: Sequence[int]) -> AsyncIterator[Chunk]:
        return chunks

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling, *, key: str, priority: int = 0, grammar: Grammar | None = None
    ) -> AsyncGenerator[Chunk, None]:
        stream = self.inner.generate(self.prompt(prompt), sampling, key=key, priority=priority, grammar=grammar)
        try:
            async for chunk in self.chunks(stream, prompt):
                yield chunk
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    async def aclose(self) -> None:
        await self.inner.aclose()


class TextIn(Misbehaving):
    """Makes text of the prompt, and ids of that."""

    def prompt(self, prompt: Sequence[int]) -> Sequence[int]:
        return harmony.encoding().encode(harmony.encoding().decode(prompt), special=True)


class TextInUncached(TextIn):
    """The same, and tells nothing of its cache."""

    async def chunks(self, chunks: AsyncIterator[Chunk], prompt: Sequence[int]) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            yield replace(chunk, cached_tokens=None)


class GoesOn(Misbehaving):
    """Does not stop at stop ids."""

    async def chunks(self, chunks: AsyncIterator[Chunk], prompt: Sequence[int]) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            if chunk.finish == "stop":
                yield replace(chunk, token_ids=(*chunk.token_ids, 200006, 173781), finish="length")
            else:
                yield chunk


class DropsStopId(Misbehaving):
    """Stops, and keeps the stop id to itself."""

    async def chunks(self, chunks: AsyncIterator[Chunk], prompt: Sequence[int]) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            yield replace(chunk, token_ids=tuple(i for i in chunk.token_ids if i not in STOP_TOKEN_IDS))


class SaysLength(Misbehaving):
    """Stops, and says that it was cut off."""

    async def chunks(self, chunks: AsyncIterator[Chunk], prompt: Sequence[int]) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            yield replace(chunk, finish="length" if chunk.finish else None)


class NoCache(Misbehaving):
    """Finds nothing in its cache."""

    async def chunks(self, chunks: AsyncIterator[Chunk], prompt: Sequence[int]) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            yield replace(chunk, cached_tokens=None if chunk.cached_tokens is None else 0)


class KeepsPromptsOnly(Misbehaving):
    """Finds the blocks of earlier prompts, and nothing that was generated: vLLM's default for gpt-oss."""

    async def chunks(self, chunks: AsyncIterator[Chunk], prompt: Sequence[int]) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            cached = chunk.cached_tokens
            yield replace(chunk, cached_tokens=None if cached is None else min(cached, 256))


class TellsNoCache(Misbehaving):
    """Says nothing of its cache."""

    async def chunks(self, chunks: AsyncIterator[Chunk], prompt: Sequence[int]) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            yield replace(chunk, cached_tokens=None)


class ZeroLogprobs(Misbehaving):
    """Gives zeros for log probabilities."""

    async def chunks(self, chunks: AsyncIterator[Chunk], prompt: Sequence[int]) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            yield replace(chunk, logprobs=None if chunk.logprobs is None else (0.0,) * len(chunk.token_ids))


class FewLogprobs(Misbehaving):
    """Gives the log probability of every other id."""

    async def chunks(self, chunks: AsyncIterator[Chunk], prompt: Sequence[int]) -> AsyncIterator[Chunk]:
        odd = False
        async for chunk in chunks:
            odd = not odd
            yield replace(chunk, logprobs=chunk.logprobs if odd else None)


class IgnoresGrammar(Misbehaving):
    """Takes a grammar, and does not keep to it."""

    @property
    def info(self) -> EngineInfo:
        info = self.inner.info
        return replace(info, capabilities=replace(info.capabilities, grammar=True))

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling, *, key: str, priority: int = 0, grammar: Grammar | None = None
    ) -> AsyncGenerator[Chunk, None]:
        async for chunk in super().generate(prompt, sampling, key=key, priority=priority):
            yield chunk


class CutsLongPrompts(Misbehaving):
    """Takes any prompt, and cuts it and what it does not know."""

    def prompt(self, prompt: Sequence[int]) -> Sequence[int]:
        return [i for i in prompt if i < harmony.VOCABULARY][:1000]


class SlowToAbort(Misbehaving):
    """Needs its time to end a completion."""

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling, *, key: str, priority: int = 0, grammar: Grammar | None = None
    ) -> AsyncGenerator[Chunk, None]:
        try:
            async for chunk in super().generate(prompt, sampling, key=key, priority=priority, grammar=grammar):
                yield chunk
        except GeneratorExit:
            await asyncio.sleep(2.2)
            raise


class DiesOfAbort(Misbehaving):
    """Is gone once a completion was left."""

    gone = False

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling, *, key: str, priority: int = 0, grammar: Grammar | None = None
    ) -> AsyncGenerator[Chunk, None]:
        if self.gone:
            raise EngineError("the engine died")
        try:
            async for chunk in super().generate(prompt, sampling, key=key, priority=priority, grammar=grammar):
                yield chunk
        except GeneratorExit:
            self.gone = True
            raise


class DiesAfterOne(Misbehaving):
    """Is gone after its first completion."""

    calls = 0

    def prompt(self, prompt: Sequence[int]) -> Sequence[int]:
        self.calls += 1
        if self.calls > 1:
            raise EngineError("the engine died")
        return prompt


class Hangs(Misbehaving):
    """Never answers."""

    async def chunks(self, chunks: AsyncIterator[Chunk], prompt: Sequence[int]) -> AsyncIterator[Chunk]:
        await asyncio.Event().wait()
        yield Chunk(())


class RefusesAll(Misbehaving):
    """Refuses whatever is asked."""

    def prompt(self, prompt: Sequence[int]) -> Sequence[int]:
        raise UserError("no")


class ThinksLessAtHigh(Misbehaving):
    """Cuts its completions short at high effort."""

    async def chunks(self, chunks: AsyncIterator[Chunk], prompt: Sequence[int]) -> AsyncIterator[Chunk]:
        high = "Reasoning: high" in harmony.encoding().decode(prompt)
        ids: list[int] = []
        async for chunk in chunks:
            ids += chunk.token_ids
        yield Chunk(tuple(ids[:4] if high else ids), None, "length" if high else "stop")
