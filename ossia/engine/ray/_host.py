"""The actor: one engine, in a process of its own."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ossia.engine._open import open_engine
from ossia.engine.protocol import Chunk, Engine, EngineInfo, Sampling
from ossia.engine.sampled import closing
from ossia.errors import EngineError, UserError
from ossia.types import Grammar, JsonValue


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of ours as a value, since Ray wraps exceptions in its own, with tracebacks for messages."""

    user: bool
    """The caller's mistake."""
    message: str

    def error(self) -> EngineError | UserError:
        return UserError(self.message) if self.user else EngineError(self.message)


Answer: TypeAlias = Chunk | Failure


class Host:
    """Opens an engine and passes on what it streams."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._steps: dict[str, asyncio.Future[Chunk | None]] = {}
        self._left: set[str] = set()

    async def open(self, spec: str, options: Mapping[str, JsonValue]) -> EngineInfo | Failure:
        try:
            self._engine = await open_engine(spec, options=options)
        except (UserError, EngineError) as error:
            return Failure(isinstance(error, UserError), str(error))
        return self._engine.info

    async def generate(
        self,
        request: str,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        key: str,
        priority: int,
        grammar: Grammar | None,
    ) -> AsyncGenerator[Answer, None]:
        """`request` names it for `abort`."""
        assert self._engine is not None, "opened first"
        stream = self._engine.generate(prompt, sampling, key=key, priority=priority, grammar=grammar)
        try:
            async with closing(stream) as chunks:
                while True:
                    self._steps[request] = asyncio.ensure_future(anext(chunks, None))
                    chunk = await self._steps[request]
                    if chunk is None:
                        return
                    yield chunk
                    if request in self._left:
                        return
        except (UserError, EngineError) as error:
            yield Failure(isinstance(error, UserError), str(error))
        except asyncio.CancelledError:
            # `abort` has cancelled the step; nobody reads any more.
            return
        finally:
            self._steps.pop(request, None)
            self._left.discard(request)

    async def abort(self, request: str) -> None:
        """End a completion; one that is over is let be."""
        if step := self._steps.get(request):
            self._left.add(request)  # the step may be over, and the next not begun
            step.cancel()

    async def active(self) -> int:
        """Completions under way."""
        return len(self._steps)

    async def close(self) -> None:
        if self._engine is not None:
            await self._engine.aclose()
