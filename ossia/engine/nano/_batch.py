"""Continuous batching: one thread computes a step of every running completion at once."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from ossia.engine.nano._kv import KVCache, KVStore, Tokens, common_prefix
from ossia.engine.nano._model import Model, Segment
from ossia.engine.nano._sample import sample
from ossia.engine.nano._stream import TokenStream, wake
from ossia.engine.nano._tensors import Floats
from ossia.engine.protocol import STOP_TOKEN_IDS, Finish, Sampling
from ossia.errors import EngineError

MAX_RUNNING = 64
"""Completions in one batch; more wait. A step grows with it, so that each would come slower."""
PIECE = 256
"""Tokens that are computed together: more fall out of the processor's caches."""
PREFILL_TOKENS = 256
"""Prompt tokens that one step computes, so that running completions go on while a long prompt comes in."""
IDLE_PREFILL_TOKENS = 2048
"""The same while no completion runs: prompts that come in together get their first tokens together, as one batch."""


@dataclass(eq=False, slots=True)
class Request:
    """A completion from its arrival to its last token."""

    prompt: Tokens
    sampling: Sampling
    key: str
    priority: int
    stream: TokenStream
    random: np.random.Generator
    limit: int
    """Most token ids to sample: max_tokens, or what the context leaves."""
    order: int = 0
    cache: KVCache | None = None
    sampled: list[int] = field(default_factory=list)

    @property
    def rank(self) -> tuple[int, int]:
        return self.priority, self.order


Planned: TypeAlias = tuple[Request, Tokens]
"""A request and its token ids that a step computes."""


class Batcher:
    """Runs requests on a model in a thread of its own, until closed."""

    def __init__(self, model: Model, kept_bytes: int) -> None:
        self._model = model
        self._store = KVStore(model.config, kept_bytes)
        self._changed = threading.Condition()
        self._staged: list[Request] = []
        self._arrived: list[Request] = []
        self._waiting: list[Request] = []
        self._running: list[Request] = []
        self._order = itertools.count()
        self._closed: str | None = None
        self._thread: threading.Thread | None = None

    def submit(self, request: Request) -> None:
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
                self._thread = threading.Thread(target=self._work, name="ossia-nano", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """End the thread and fail what is under way. May be called twice."""
        with self._changed:
            self._closed = self._closed or "the nano engine was closed"
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
                self._closed = f"the nano engine failed: {type(error).__name__}: {error}"
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
        decoding = [(r, np.array(r.sampled[-1:], dtype=np.int64)) for r in self._running if r.sampled]
        planned = decoding + self._prefill(PREFILL_TOKENS if decoding else IDLE_PREFILL_TOKENS)
        complete: list[Request] = []
        hidden: list[Floats] = []
        for piece in _pieces(planned):
            states = self._model.forward([Segment(tokens, _cache(r)) for r, tokens in piece])
            for (request, _), last in zip(piece, np.cumsum([len(tokens) for _, tokens in piece]) - 1, strict=True):
                if request.sampled or _cache(request).length == len(request.prompt):
                    complete.append(request)
                    hidden.append(states[last])
        if complete:
            logits = self._model.logits(np.stack(hidden))
            wake([r.stream for r, row in zip(complete, logits, strict=True) if self._choose(r, row)])

    def _prefill(self, budget: int) -> list[Planned]:
        """The prompt tokens to compute in this step, in the order of rank."""
        started = sorted((r for r in self._running if not r.sampled), key=lambda r: r.rank)
        planned: list[Planned] = []
        for request in [*started, *self._waiting]:
            if budget <= 0:
                break
            if request.cache is None and not self._start(request, started):
                continue
            tokens = request.prompt[_cache(request).length :][: min(budget, PIECE)]
            budget -= len(tokens)
            planned.append((request, tokens))
        return planned

    def _start(self, request: Request, ahead: list[Request]) -> bool:
        """Give a waiting request its cache, unless it does better to wait."""
        if len(self._running) >= MAX_RUNNING:
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

    def _choose(self, request: Request, logits: Floats) -> bool:
        """Sample the next token. True: its reader is to be woken."""
        token, logprob = sample(logits, request.sampling, request.random)
        request.sampled.append(token)
        finish: Finish | None = None
        if token in STOP_TOKEN_IDS:
            finish = "stop"
        elif len(request.sampled) >= request.limit:
            finish = "length"
        if finish:
            self._release(request)
        return request.stream.push(token, logprob, finish)

    def _release(self, request: Request) -> None:
        self._running = [r for r in self._running if r is not request]
        self._store.keep(request.key, _cache(request))
        request.cache = None


def _pieces(planned: list[Planned]) -> Iterator[list[Planned]]:
    """Cut a step into pieces of about `PIECE` tokens, whole segments each."""
    piece: list[Planned] = []
    size = 0
    for request, tokens in planned:
        if piece and size + len(tokens) > PIECE:
            yield piece
            piece, size = [], 0
        piece.append((request, tokens))
        size += len(tokens)
    if piece:
        yield piece


def _cache(request: Request) -> KVCache:
    assert request.cache is not None, "a running request has its cache"
    return request.cache
