"""An engine that plays completions that a test wrote."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ossia import harmony
from ossia.engine import STOP_TOKEN_IDS, Capabilities, Chunk, EngineInfo, Finish, Sampling
from ossia.engine.checks import check_request
from ossia.errors import EngineError, UserError
from ossia.types import Grammar

Completion: TypeAlias = "str | Sequence[int] | Play"
"""What is played for one `generate`: text of the harmony format as gpt-oss emits it, that is everything after
`<|start|>assistant` with its special tokens spelled out; or token ids; or either with a mishap."""

Script: TypeAlias = "Sequence[Completion] | Callable[[Sequence[int]], Completion]"
"""Completions in the order of the calls, or a function from a call's prompt (token ids) to its completion."""


@dataclass(frozen=True, slots=True)
class Play:
    """A completion and what goes wrong while it is played."""

    completion: str | Sequence[int]
    fail_after: int | None = None
    """Raise `EngineError` once this many token ids were given; nothing happens where the completion is shorter."""
    stall_after: int | None = None
    """Give nothing more, and never end, once this many token ids were given."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of `generate`, as the engine got it."""

    prompt: tuple[int, ...]
    sampling: Sampling
    key: str
    priority: int
    grammar: Grammar | None

    @property
    def text(self) -> str:
        """The prompt as text, special tokens spelled out."""
        return harmony.encoding().decode(self.prompt)


class ScriptedEngine:
    """Plays given completions instead of sampling them, to test an agent without a model.

    A completion ends as a model's does: at its first stop id, at `max_tokens` or at the end of the context. One whose
    text ends without a stop id finishes with "length". What `generate` refuses (ids outside the vocabulary, a full
    context) is refused here too. Log probabilities, where asked for, are 0: the script is certain.
    """

    def __init__(
        self,
        script: Script,
        *,
        chunk_size: int = 8,
        delay: float = 0.0,
        max_context: int = 131_072,
        capabilities: Capabilities | None = None,
    ) -> None:
        """`chunk_size`: token ids in a chunk; `delay`: seconds before each chunk."""
        if chunk_size < 1:
            raise UserError(f"chunk_size is {chunk_size}: give 1 or more")
        self._script = script
        self._chunk_size = chunk_size
        self._delay = delay
        self._info = EngineInfo(
            spec="scripted",
            model="scripted",
            max_context=max_context,
            capabilities=capabilities or Capabilities(seed=True, logprobs=True),
        )
        self.calls: list[Call] = []
        """Every call of `generate`, in order."""
        self.active = 0
        """Completions under way."""
        self.closed = False

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
        """See `ossia.engine.Engine.generate`. Raises `UserError` too when the script has no completion left."""
        if self.closed:
            raise EngineError("the scripted engine was closed")
        limit = check_request(self._info, harmony.encoding().vocabulary, prompt, sampling, grammar)
        play = self._next(prompt)
        self.calls.append(Call(tuple(prompt), sampling, key, priority, grammar))
        tokens = _until_stop(play.completion)[:limit]
        mishap = min((n for n in (play.fail_after, play.stall_after) if n is not None), default=None)
        if mishap is not None and mishap > len(tokens):
            mishap = None
        self.active += 1
        try:
            for chunk in _chunks(tokens[:mishap], self._chunk_size, ends=mishap is None, logprobs=sampling.logprobs):
                await asyncio.sleep(self._delay)
                yield chunk
            if mishap is not None and play.fail_after == mishap:
                raise EngineError(f"the scripted engine failed after {mishap} token ids, as it was told to")
            if mishap is not None:
                await asyncio.Event().wait()
        finally:
            self.active -= 1

    async def aclose(self) -> None:
        self.closed = True

    def _next(self, prompt: Sequence[int]) -> Play:
        if callable(self._script):
            completion = self._script(prompt)
        elif len(self.calls) < len(self._script):
            completion = self._script[len(self.calls)]
        else:
            raise UserError(f"the script has {len(self._script)} completions and one more was asked for")
        return completion if isinstance(completion, Play) else Play(completion)


def _chunks(tokens: Sequence[int], size: int, *, ends: bool, logprobs: bool) -> Iterator[Chunk]:
    """Token ids in pieces, the last one with its finish where the completion ends with it."""
    for start in range(0, len(tokens) or 1, size):
        piece = tuple(tokens[start : start + size])
        finish: Finish = "stop" if piece and piece[-1] in STOP_TOKEN_IDS else "length"
        last = ends and start + size >= len(tokens)
        yield Chunk(piece, (0.0,) * len(piece) if logprobs else None, finish if last else None)


def _until_stop(completion: str | Sequence[int]) -> list[int]:
    """Token ids up to and with the first stop id."""
    tokens = harmony.encoding().encode(completion, special=True) if isinstance(completion, str) else list(completion)
    stop = next((i for i, token in enumerate(tokens) if token in STOP_TOKEN_IDS), len(tokens))
    return tokens[: stop + 1]
