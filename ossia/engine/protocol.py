"""What an engine is: token ids in, token ids out."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from ossia.types import Grammar

STOP_TOKEN_IDS: tuple[int, int] = (200002, 200012)
"""`<|return|>` and `<|call|>`: the ids that end a completion (harmony format, stop tokens for assistant actions)."""

Finish = Literal["stop", "length"]

Progress: TypeAlias = Callable[[str, float], None]
"""Told what is under way and the share of it that is done, in [0, 1]. May be called from any thread."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a completion is sampled. The defaults are those that OpenAI recommends for gpt-oss."""

    temperature: float = 1.0
    """0 is greedy."""
    top_p: float = 1.0
    top_k: int = 0
    """0: all of the vocabulary."""
    max_tokens: int | None = None
    """Most token ids of one completion; None: what the context holds."""
    seed: int | None = None
    """The same seed, prompt and batch give the same token ids; None: drawn anew."""
    logprobs: bool = False
    """Return the log probability of each sampled token id, before temperature, top_p and top_k."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do beyond plain sampling."""

    seed: bool = False
    logprobs: bool = False
    grammar: bool = False
    prefix_cache: bool = False


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What is known of an opened engine."""

    spec: str
    """The spec that it was opened with, such as `nano` or `vllm:openai/gpt-oss-20b`."""
    model: str
    """The model's name, as results and journals record it."""
    max_context: int
    """Token ids of prompt and completion together."""
    capabilities: Capabilities = field(default_factory=Capabilities)
    note: str | None = None
    """One line that a user should read before trusting an answer (nano says here what it is)."""
    default_sampling: Sampling = field(default_factory=Sampling)
    """How to sample where the user asks for nothing else."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a completion, as it streams out of an engine."""

    token_ids: tuple[int, ...]
    """New token ids, shape [k], k >= 0. The stop id that ended the completion is among them."""
    logprobs: tuple[float, ...] | None = None
    """Natural log probabilities of `token_ids`, shape [k], where asked for."""
    finish: Finish | None = None
    """Set on the last chunk: "stop" (a stop id was sampled) or "length" (max_tokens or the context is full)."""
    cached_tokens: int | None = None
    """Prompt token ids that were served from the prefix cache; on one chunk of a completion, where known."""


@runtime_checkable
class Engine(Protocol):
    """Runs the model. Any number of `generate` calls may be under way at once."""

    @property
    def info(self) -> EngineInfo: ...

    def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        key: str,
        priority: int = 0,
        grammar: Grammar | None = None,
    ) -> AsyncIterator[Chunk]:
        """Stream one completion of `prompt` (token ids, shape [n]).

        `key` names the session, for sticky routing and prefix reuse. Where requests compete, a lower `priority` goes
        first. Closing the iterator (or cancelling the task that reads it) aborts the generation. Raises `EngineError`
        when the engine is lost, `UserError` when the prompt holds an id outside the vocabulary, the context is full, or
        something is asked for that `info.capabilities` lacks.
        """
        ...

    async def aclose(self) -> None: ...
