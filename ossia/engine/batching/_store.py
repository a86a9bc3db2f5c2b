"""The caches of sessions that are between two steps."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic

from ossia.engine.batching._sequences import CacheT, Tokens, common_prefix


@dataclass(frozen=True, slots=True)
class Match(Generic[CacheT]):
    """The best beginning that is at hand for a prompt."""

    length: int
    source: CacheT | None
    owner: str | None
    """The session whose kept cache it is; None: it is in use by a running completion."""


class CacheStore(Generic[CacheT]):
    """Caches of sessions that are not generating now, the least recently used dropped first."""

    def __init__(self, new_cache: Callable[[], CacheT], max_bytes: int) -> None:
        self._new_cache = new_cache
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, CacheT] = OrderedDict()
        self.nbytes = 0
        """Memory of what is kept."""

    def find(self, key: str, prompt: Tokens, active: Iterable[CacheT]) -> Match[CacheT]:
        """The longest prefix of `prompt` that any cache holds; among equals the session's own."""
        nothing: Match[CacheT] = Match(0, None, None)
        own = self._kept.get(key)
        best = Match(common_prefix(prompt, own.tokens), own, key) if own else nothing
        others: list[tuple[str | None, CacheT]] = [*self._kept.items(), *((None, cache) for cache in active)]
        for owner, cache in others:
            if (length := common_prefix(prompt, cache.tokens)) > best.length:
                best = Match(length, cache, owner)
        return best

    def take(self, key: str, match: Match[CacheT]) -> CacheT:
        """A cache that holds what was matched, for the session `key` to write behind.

        Its own is handed over; what another session has is copied, since that session will want it.
        """
        if match.source and match.owner == key:
            cache = self._remove(key)
            cache.truncate(match.length)
            return cache
        cache = self._new_cache()
        if match.source:
            cache.copy_prefix(match.source, match.length)
        return cache

    def keep(self, key: str, cache: CacheT) -> None:
        """Keep a session's cache, in place of an older one of the same session."""
        if key in self._kept:
            self._remove(key)
        self._kept[key] = cache
        self.nbytes += cache.nbytes
        while self.nbytes > self._max_bytes:
            self._remove(next(iter(self._kept)))

    def _remove(self, key: str) -> CacheT:
        cache = self._kept.pop(key)
        self.nbytes -= cache.nbytes
        return cache
