"""Continuous batching: one thread computes a step of every running completion at once."""

import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic

import numpy as np

from ossia.engine.batching._sample import sample
from ossia.engine.batching._sequences import CacheT, Floats, Piece, Runner, Segment, Tokens, common_prefix
from ossia.engine.batching._store import CacheStore
from ossia.engine.batching._stream import TokenStream, wake
from ossia.engine.masks import TokenMatcher
from ossia.engine.protocol import STOP_TOKEN_IDS, Finish, Sampling
from ossia.errors import EngineError


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is computed at once."""

    running: int = 64
    """Completions in one batch; more wait. A step grows with it, so that each would come slower."""
    piece: int = 256
    """Token ids that are computed together: more fall out of the processor's caches."""
    prefill: int = 256
    """Prompt token ids that one step computes, so that running completions go on while a long prompt comes in."""
    idle_prefill: int = 2048
    """The same while no completion runs: prompts that come in together get their first tokens together, as one
    batch."""


@dataclass(eq=False, slots=True)
class Request(Generic[CacheT]):
    """A completion from its arrival to its last token."""

    prompt: Tokens
    sampling: Sampling
    key: str
    priority: int
    stream: TokenStream
    random: np.random.Generator
    limit: int
    """Most token ids to sample: max_tokens, or what the context leaves."""
    matcher: TokenMatcher | None = None
    """Holds the completion to a grammar."""
    order: int = 0
    cache: CacheT | None = None
    sampled: list[int] = field(default_factory=list)

    @property
    def rank(self) -> tuple[int, int]:
        return self.priority, self.order


@dataclass(frozen=True, slots=True)
class _Planned(Generic[CacheT]):
    """A request and its token ids that a step computes."""

    request: Request[CacheT]
    tokens: Tokens

    @property
    def segment(self) -> Segment[CacheT]:
        return Segment(self.tokens, _cache(self.request))

    @property
    def complete(self) -> bool:
        """Whether the next token id can be sampled once it is computed."""
        request = self.request
        return bool(request.sampled) or _cache(request).length + len(self.tokens) == len(request.prompt)


class Batcher(Generic[CacheT]):
    """Runs requests on a model in a thread of its own, until closed."""

    def __init__(self, runner: Runner[CacheT], kept_bytes: int, sizes: Sizes, name: str) -> None:
        """`name`: of the engine, for its errors."""
        self._runner = runner
        self._sizes = sizes
        self._name = name
        self._store = CacheStore(runner.new_cache, kept_bytes)
        self._changed = threading.Condition()
        self._staged: list[Request[CacheT]] = []
        self._arrived: list[Request[CacheT]] = []
        self._waiting: list[Request[CacheT]] = []
        self._running: list[Request[CacheT]] = []
        self._order = itertools.count()
        self._closed: str | None = None
        self._thread: threading.Thread | None = None

    def submit(self, request: Request[CacheT]) -> None:
        """Queue a request for the next `admit`. Raises `EngineError` when closed."""
        with self._changed:
            if self._closed:
                raise EngineError(self._closed)
            request.order = next(self._order)
            self._staged.append(request)

    def admit(self) -> None:
        """Let the thread have what was submitted, all of it in one step: what is asked for at once is then one batch
        each time, and floating point rounds the same.
        """
        with self._changed:
            self._arrived += self._staged
            self._staged = []
            if self._closed:
                self._fail_all(self._closed)
            elif self._thread is None:
                self._thread = threading.Thread(target=self._work, name="ossia-batch", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """End the thread and fail what is under way. May be called twice."""
        with self._changed:
            self._closed = self._closed or f"the {self._name} engine was closed"
            thread = self._thread
            self._changed.notify()
        if thread is not None:
            thread.join()

    def load(self) -> tuple[int, int, int]:
        """Requests waiting, requests running, bytes of kept caches."""
        with self._changed:
            return len(self._staged) + len(self._arrived) + len(self._waiting), len(self._running), self._store.nbytes

    def _work(self) -> None:
        try:
            while self._collect():
                self._step()
        except Exception as error:  # noqa: BLE001 (the thread's boundary: readers would wait for ever)
            with self._changed:
                self._closed = f"the {self._name} engine failed: {type(error).__name__}: {error}"
        with self._changed:
            self._fail_all(self._closed or "")

    def _fail_all(self, reason: str) -> None:
        for request in (*self._arrived, *self._waiting, *self._running):
            request.stream.fail(EngineError(reason))
        self._arrived, self._waiting, self._running = [], [], []

    def _collect(self) -> bool:
        """Take in what arrived and drop what was cancelled; sleeps while there is nothing to do. False: closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._arrived or self._waiting or self._running)
            if self._closed:
                return False
            self._waiting = sorted((*self._waiting, *self._arrived), key=lambda r: r.rank)
            self._arrived = []
        for request in [r for r in self._running if r.stream.cancelled]:
            self._release(request)
        self._waiting = [r for r in self._waiting if not r.stream.cancelled]
        return True

    def _step(self) -> None:
        decoding = [_Planned(r, np.array(r.sampled[-1:], dtype=np.int64)) for r in self._running if r.sampled]
        planned = decoding + self._prefill(self._sizes.prefill if decoding else self._sizes.idle_prefill)
        complete = [p.request for p in planned if p.complete]
        pieces = [
            Piece([p.segment for p in piece], [i for i, p in enumerate(piece) if p.complete])
            for piece in self._pieces(planned)
        ]
        logits = self._runner.compute(pieces)
        wake([r.stream for r, row in zip(complete, logits, strict=True) if self._choose(r, row)])

    def _prefill(self, budget: int) -> list[_Planned[CacheT]]:
        """The prompt tokens to compute in this step, in the order of rank."""
        started = sorted((r for r in self._running if not r.sampled), key=lambda r: r.rank)
        planned: list[_Planned[CacheT]] = []
        for request in [*started, *self._waiting]:
            if budget <= 0:
                break
            if request.cache is None and not self._start(request, started):
                continue
            tokens = request.prompt[_cache(request).length :][: min(budget, self._sizes.piece)]
            budget -= len(tokens)
            planned.append(_Planned(request, tokens))
        return planned

    def _start(self, request: Request[CacheT], ahead: list[Request[CacheT]]) -> bool:
        """Give a waiting request its cache, unless it does better to wait."""
        if len(self._running) >= self._sizes.running:
            return False
        match = self._store.find(request.key, request.prompt, [r.cache for r in self._running if r.cache])
        # What a request ahead of it is about to compute (a shared system prompt, say) is not computed twice.
        if any(common_prefix(request.prompt, r.prompt) > match.length for r in ahead):
            return False
        request.cache = self._store.take(request.key, match)
        # The last token of the prompt is always computed, for its logits.
        request.cache.truncate(len(request.prompt) - 1)
        request.stream.begin(request.cache.length)
        self._waiting = [r for r in self._waiting if r is not request]
        self._running.append(request)
        ahead.append(request)
        return True

    def _choose(self, request: Request[CacheT], logits: Floats) -> bool:
        """Sample the next token. True: its reader is to be woken."""
        try:
            token, logprob = sample(logits, request.sampling, request.random, request.matcher)
        except EngineError as error:
            # A grammar that its parser could not go on with is the end of this completion only.
            self._release(request)
            request.stream.fail(error)
            return False
        request.sampled.append(token)
        finish: Finish | None = None
        if token in STOP_TOKEN_IDS:
            finish = "stop"
        elif len(request.sampled) >= request.limit:
            finish = "length"
        if finish:
            self._release(request)
        return request.stream.push(token, logprob, finish)

    def _release(self, request: Request[CacheT]) -> None:
        self._running = [r for r in self._running if r is not request]
        self._store.keep(request.key, _cache(request))
        request.cache = None

    def _pieces(self, planned: Sequence[_Planned[CacheT]]) -> Iterator[list[_Planned[CacheT]]]:
        """Cut a step into pieces of about `sizes.piece` token ids, whole segments each."""
        piece: list[_Planned[CacheT]] = []
        size = 0
        for item in planned:
            if piece and size + len(item.tokens) > self._sizes.piece:
                yield piece
                piece, size = [], 0
            piece.append(item)
            size += len(item.tokens)
        if piece:
            yield piece


def _cache(request: Request[CacheT]) -> CacheT:
    assert request.cache is not None, "a running request has its cache"
    return request.cache
