"""An engine that computes nothing: for a prompt that was recorded, it serves what was sampled then."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass

from ossia.engine.checks import check_request
from ossia.engine.protocol import Capabilities, Chunk, EngineInfo, Finish, Sampling
from ossia.errors import EngineError, OssiaError, UserError
from ossia.types import Grammar

_VOCABULARY = 201_088
_SHOWN = 8
"""Token ids that are shown where two prompts part."""


@dataclass(frozen=True, slots=True)
class RecordedCompletion:
    """A completion and the prompt that it was sampled for."""

    prompt: tuple[int, ...]
    """Token ids, shape [n]."""
    token_ids: tuple[int, ...]
    """Token ids, shape [k]."""
    logprobs: tuple[float, ...] | None = None
    """Shape [k], where they were recorded."""
    finish: Finish | None = None
    """None: the run itself cut it off, so what would have followed is not known."""


class ReplayEngine:
    """Serves recorded completions, each for a prompt that equals the recorded one, id for id.

    A prompt that was sampled several times (a completion was discarded) gets them in the order of the record; each
    session (`key`) begins at the first one. Of the sampling only `max_tokens` counts: it cuts. Any other prompt is
    refused with where it differs: `UserError` as the first one of a session, `EngineError` once a session has gone
    another way than the record.
    """

    def __init__(
        self,
        completions: Sequence[RecordedCompletion],
        *,
        spec: str,
        model: str,
        max_context: int = 131_072,
        default_sampling: Sampling | None = None,
        decode: Callable[[Sequence[int]], str] = str,
    ) -> None:
        """`decode` shows token ids to a person. Raises `UserError` where there is nothing to serve."""
        if not completions:
            raise UserError(f"{spec} has no completion to serve: its process ended before the model had answered")
        self._recorded: dict[tuple[int, ...], list[RecordedCompletion]] = {}
        for completion in completions:
            self._recorded.setdefault(completion.prompt, []).append(completion)
        self._served: Counter[tuple[str, tuple[int, ...]]] = Counter()
        self._begun: set[str] = set()
        self._decode = decode
        self._closed = False
        self._info = EngineInfo(
            spec=spec,
            model=model,
            max_context=max_context,
            # A seed is taken, since the same request gives the same token ids.
            capabilities=Capabilities(seed=True, logprobs=all(c.logprobs is not None for c in completions)),
            note=f"{spec} serves {len(completions)} recorded completions of {model} again; no model runs.",
            default_sampling=default_sampling or Sampling(),
        )

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
        """See `ossia.engine.Engine.generate`, and the class for which prompts are served."""
        if self._closed:
            raise EngineError(f"the engine {self._info.spec} was closed")
        limit = check_request(self._info, _VOCABULARY, prompt, sampling, grammar)
        completion = self._next(key, tuple(prompt))
        for chunk in _chunks(completion, limit, logprobs=sampling.logprobs):
            yield chunk
        if completion.finish is None and len(completion.token_ids) <= limit:
            raise EngineError(
                f"{self._info.spec} ends here after {len(completion.token_ids)} token ids: the recorded run cut this "
                "completion off, so what follows is not known; replay it with the limits that it was recorded with"
            )

    async def aclose(self) -> None:
        self._closed = True

    def _next(self, key: str, prompt: tuple[int, ...]) -> RecordedCompletion:
        refusal = EngineError if key in self._begun else UserError
        recorded = self._recorded.get(prompt)
        if recorded is None:
            raise self._differs(prompt, refusal)
        served = self._served[key, prompt]
        if served == len(recorded):
            raise refusal(
                f"{self._info.spec} has {served} completions of this prompt and one more was asked for: "
                "give the session another key, or record more"
            )
        self._served[key, prompt] += 1
        self._begun.add(key)
        return recorded[served]

    def _differs(self, prompt: tuple[int, ...], refusal: type[OssiaError]) -> OssiaError:
        """Where this prompt parts from the recorded one that it shares most with."""
        nearest = max(self._recorded, key=lambda known: _common(known, prompt))
        at = _common(nearest, prompt)
        return refusal(
            f"{self._info.spec} has no completion for this prompt of {len(prompt)} token ids: it differs from the "
            f"nearest recorded one ({len(nearest)} token ids) at position {at}, where the run had "
            f"{self._show(nearest, at)} and this one has {self._show(prompt, at)}"
        )

    def _show(self, ids: Sequence[int], at: int) -> str:
        return repr(self._decode(ids[at : at + _SHOWN])) if at < len(ids) else "its end"


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the common prefix."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _chunks(completion: RecordedCompletion, limit: int, *, logprobs: bool) -> Iterator[Chunk]:
    """The completion, cut at `limit`.

    One id a chunk, so that nobody who watches the stream cuts it earlier than it was; but whole where it was cut while
    recording, because the ids that came with the last one belong to it.
    """
    ids = completion.token_ids[:limit]
    finish = completion.finish if len(ids) == len(completion.token_ids) else "length"
    size = 1 if completion.finish else len(ids) or 1
    for start in range(0, len(ids) or 1, size):
        stop = start + size
        given = completion.logprobs[start : min(stop, limit)] if logprobs and completion.logprobs is not None else None
        yield Chunk(ids[start:stop], given, finish if stop >= len(ids) else None)
