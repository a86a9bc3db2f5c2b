"""One completion: sampled, streamed through the parser, watched, and judged."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from ossia import harmony
from ossia.agent._repetition import RepetitionDetector
from ossia.agent.events import TextDelta
from ossia.engine.protocol import Chunk, Engine, Finish, Sampling
from ossia.types import Grammar

Cut = Literal["analysis_tokens", "repetition"]
"""Why a completion was cut off by us."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the engine for one completion."""

    prompt: Sequence[int]
    """Token ids, shape [n]."""
    sampling: Sampling
    key: str
    recipients: Sequence[str]
    prefix: Sequence[int] = ()
    """The end of the prompt that was forced behind `<|start|>assistant`."""
    analysis_tokens: int | None = None
    """Most token ids of analysis."""
    grammar: Grammar | None = None
    """What the completion is held to."""


@dataclass(slots=True)
class Step:
    """A completion as it was sampled, and what the parser made of it."""

    completion: harmony.Completion
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: Finish | None = None
    cut: Cut | None = None
    cached_tokens: int | None = None
    seconds: float = 0.0
    held: bool = False
    """It was held to a grammar."""

    action: harmony.Action = "accept"
    """What the policy says to do about it."""

    @property
    def condition(self) -> harmony.Condition:
        """What the completion is; one that repeats itself does nothing, whatever else it is."""
        return "no_action" if self.cut == "repetition" else harmony.diagnose(self.completion)

    @property
    def kept(self) -> bool:
        """Whether it belongs in the transcript: a thought that was cut off does, one of no use does not."""
        return self.action in ("accept", "answer") or (self.action == "stop" and self.condition == "truncated")

    @property
    def fault(self) -> str:
        """What is wrong with it, to go behind "because"."""
        return "it repeats itself" if self.cut == "repetition" else _FAULTS.get(self.condition, self.condition)

    @property
    def calls(self) -> list[harmony.ParsedMessage]:
        """The calls that are whole."""
        return [call for call in self.completion.calls if call.complete]


_FAULTS: Mapping[harmony.Condition, str] = {
    "empty": "it is empty",
    "no_action": "it has no call and no final answer",
    "call_without_recipient": "it calls nobody",
    "truncated": "it was cut off",
    "undeclared_call": "it calls a tool that was not declared",
}


async def sample_step(engine: Engine, request: Request, on_delta: Callable[[TextDelta], None] | None) -> Step:
    """Sample one completion.

    Raises `EngineError` when the engine is lost, `GrammarError` when it can't use the grammar.
    """
    started = time.monotonic()
    parser = harmony.CompletionParser(request.recipients, prefix=request.prefix)
    watch = _Watch(request.analysis_tokens)
    step = Step(harmony.Completion(), held=request.grammar is not None)
    completion = engine.generate(request.prompt, request.sampling, key=request.key, grammar=request.grammar)
    async with _closing(completion) as chunks:
        async for chunk in chunks:
            step.token_ids += chunk.token_ids
            step.logprobs += chunk.logprobs or ()
            step.finish = chunk.finish or step.finish
            step.cached_tokens = chunk.cached_tokens if chunk.cached_tokens is not None else step.cached_tokens
            deltas = watch.read(parser.feed(chunk.token_ids), len(chunk.token_ids))
            if on_delta:
                for delta in deltas:
                    on_delta(delta)
            step.cut = watch.cut(chunk.token_ids)
            if step.cut:
                break
    step.completion = parser.finish()
    step.seconds = time.monotonic() - started
    return step


@dataclass(slots=True)
class _Watch:
    """Follows the messages of a completion while they stream, and says when to cut it off."""

    analysis_tokens: int | None
    channel: str | None = None
    recipient: str | None = None
    _analysis: int = 0
    _repetition: RepetitionDetector = field(default_factory=RepetitionDetector)

    def read(self, events: Sequence[harmony.Event], count: int) -> list[TextDelta]:
        """The text that is new; `count` token ids came with it."""
        deltas = []
        for event in events:
            match event:
                case harmony.MessageStart():
                    self.channel, self.recipient = event.channel, event.recipient
                case harmony.TextDelta():
                    deltas.append(TextDelta(channel=self.channel, recipient=self.recipient, text=event.text))
        if self.channel == "analysis" and self.recipient is None:
            self._analysis += count
        return deltas

    def cut(self, token_ids: Sequence[int]) -> Cut | None:
        """Why the completion should end here, or None."""
        if self._repetition.feed(token_ids):
            return "repetition"
        if self.analysis_tokens is not None and self._analysis > self.analysis_tokens:
            return "analysis_tokens"
        return None


@asynccontextmanager
async def _closing(chunks: AsyncIterator[Chunk]) -> AsyncIterator[AsyncIterator[Chunk]]:
    """Closes the iterator however the block is left, which aborts the generation."""
    try:
        yield chunks
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await asyncio.shield(close())
