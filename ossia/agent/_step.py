"""One completion: sampled, streamed through the parser, and judged."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ossia import harmony
from ossia.agent.events import TextDelta
from ossia.engine.protocol import Chunk, Engine, Finish, Sampling


@dataclass(slots=True)
class Step:
    """A completion as it was sampled, and what the parser made of it."""

    completion: harmony.Completion
    token_ids: list[int] = field(default_factory=list)
    finish: Finish | None = None
    cached_tokens: int | None = None
    seconds: float = 0.0

    @property
    def useless(self) -> str | None:
        """Why nothing can be made of the completion, or None: it answers or calls a tool."""
        if self.finish == "length" or self.completion.calls or self.completion.final is not None:
            return None
        if not self.completion.messages:
            return "empty"
        return "no call and no final answer"


async def sample_step(
    engine: Engine,
    prompt: list[int],
    sampling: Sampling,
    *,
    key: str,
    recipients: list[str],
    on_delta: Callable[[TextDelta], None] | None,
) -> Step:
    """Sample one completion of `prompt`. Raises `EngineError` when the engine is lost."""
    started = time.monotonic()
    parser = harmony.CompletionParser(recipients=recipients)
    reader = _Deltas(on_delta)
    token_ids: list[int] = []
    finish: Finish | None = None
    cached: int | None = None
    async with _closing(engine.generate(prompt, sampling, key=key)) as chunks:
        async for chunk in chunks:
            token_ids += chunk.token_ids
            reader.read(parser.feed(chunk.token_ids))
            finish = chunk.finish or finish
            cached = chunk.cached_tokens if chunk.cached_tokens is not None else cached
    return Step(parser.finish(), token_ids, finish, cached, time.monotonic() - started)


@dataclass(slots=True)
class _Deltas:
    """Turns the parser's events into the turn's."""

    emit: Callable[[TextDelta], None] | None
    channel: str | None = None
    recipient: str | None = None

    def read(self, events: list[harmony.Event]) -> None:
        if self.emit is None:
            return
        for event in events:
            match event:
                case harmony.MessageStart():
                    self.channel, self.recipient = event.channel, event.recipient
                case harmony.TextDelta():
                    self.emit(TextDelta(channel=self.channel, recipient=self.recipient, text=event.text))


@asynccontextmanager
async def _closing(chunks: AsyncIterator[Chunk]) -> AsyncIterator[AsyncIterator[Chunk]]:
    """Closes the iterator however the block is left, which aborts the generation."""
    try:
        yield chunks
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await asyncio.shield(close())
