"""What a wire form is: how a request is written, and how its answer is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ossia.engine.protocol import Sampling
from ossia.types import JsonValue

Body: TypeAlias = dict[str, JsonValue]
Event: TypeAlias = Mapping[str, JsonValue]
"""One JSON object of an answer: of its event stream, or the whole of it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to a server. What was sampled before it is part of the prompt."""

    model: str
    prompt: Sequence[int]
    sampling: Sampling
    max_tokens: int
    seed: int | None
    priority: int = 0
    """Lower goes first; 0 where the server takes none."""
    structural_tag: str | None = None
    affinity: str = ""
    """A digest of the session's key, for routers between us and the server."""


@dataclass(slots=True)
class Arrived:
    """What the events of an answer have told; token ids and log probabilities are taken away as they are passed on."""

    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: str | None = None
    """Why the server stopped, in its own word: "length" is understood, anything else is a stop."""
    cached: int | None = None
    prompt: int | None = None
    """Token ids of the prompt, as the server counted them."""


class Reader(Protocol):
    """Reads one answer."""

    def feed(self, event: Event, arrived: Arrived) -> None:
        """Add what an event tells. `KeyError`, `TypeError`, `ValueError`, `IndexError`: it is not of this form."""
        ...


class Wire(Protocol):
    """A wire form: token ids in, token ids out."""

    @property
    def name(self) -> str: ...

    @property
    def most(self) -> int | None:
        """Most token ids that one request may ask for, where the form cannot stream token ids exactly; None: any
        number, as a stream of events.
        """
        ...

    @property
    def seeds(self) -> bool:
        """Whether a seed can be sent."""
        ...

    @property
    def logprobs(self) -> bool:
        """Whether answers hold a log probability of every token id."""
        ...

    @property
    def tags(self) -> bool:
        """Whether a structural tag can be sent; a probe then tells whether the server takes it."""
        ...

    @property
    def priorities(self) -> bool:
        """Whether a priority can be sent; a probe then tells whether the server takes it."""
        ...

    def url(self, base: str) -> str:
        """Where requests go, from a base URL such as `http://host:8000/v1`."""
        ...

    def body(self, ask: Ask) -> Body: ...

    def reader(self, ask: Ask) -> Reader: ...


def root(base: str) -> str:
    """The base URL without `/v1`: where servers have what OpenAI's API has not."""
    return base.removesuffix("/v1")
