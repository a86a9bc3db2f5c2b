"""The way of sampled tokens from the worker's thread to the event loop of whoever reads them."""

import asyncio
import threading
from collections.abc import Iterable

from ossia.engine.protocol import Chunk, Finish
from ossia.errors import OssiaError


class TokenStream:
    """One completion under way. The worker pushes, one task reads.

    Tokens that were pushed while the reader was busy are given to it as one chunk.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, logprobs: bool) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._ready = asyncio.Event()
        self._tokens: list[int] = []
        self._logprobs: list[float] | None = [] if logprobs else None
        self._finish: Finish | None = None
        self._error: OssiaError | None = None
        self._cached: int | None = None
        self.cancelled = False
        """Set by the reader when it leaves: the worker drops the request before its next step."""

    def begin(self, cached: int) -> None:
        """Say how many token ids of the prompt came from the cache; told with the first token."""
        self._cached = cached

    def push(self, token: int, logprob: float | None, finish: Finish | None) -> bool:
        """Add a token (worker). True: the reader may be asleep, so `wake` it."""
        with self._lock:
            self._tokens.append(token)
            if self._logprobs is not None and logprob is not None:
                self._logprobs.append(logprob)
            self._finish = finish
            return len(self._tokens) == 1

    def fail(self, error: OssiaError) -> None:
        """End the stream with an error, raised in the reader after the tokens before it (worker)."""
        with self._lock:
            self._error = error
        wake([self])

    async def next(self) -> Chunk:
        """The tokens since the last chunk, once there are any; not to be called after one with `finish` (reader)."""
        while True:
            self._ready.clear()
            if (chunk := self._take()) is not None:
                return chunk
            if self._error is not None:
                raise self._error
            await self._ready.wait()

    def _take(self) -> Chunk | None:
        with self._lock:
            if not self._tokens:
                return None
            tokens, self._tokens = self._tokens, []
            logprobs = self._logprobs
            if logprobs is not None:
                self._logprobs = []
            finish = self._finish
        cached, self._cached = self._cached, None
        return Chunk(tuple(tokens), None if logprobs is None else tuple(logprobs), finish, cached)


def wake(streams: Iterable[TokenStream]) -> None:
    """Wake the readers of streams, each event loop once: calling into one costs more than a token does (worker)."""
    by_loop: dict[asyncio.AbstractEventLoop, list[TokenStream]] = {}
    for stream in streams:
        by_loop.setdefault(stream._loop, []).append(stream)
    for loop, woken in by_loop.items():
        try:
            loop.call_soon_threadsafe(_set_ready, woken)
        except RuntimeError:
            # The readers' event loop was closed under them, so that their generators could not be.
            for stream in woken:
                stream.cancelled = True


def _set_ready(streams: Iterable[TokenStream]) -> None:
    for stream in streams:
        stream._ready.set()
