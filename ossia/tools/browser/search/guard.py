"""What stands between the sessions and a provider: a cache, a pace, and a pause after refusals."""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from ossia.tools.browser.fetch.protocol import Document
from ossia.tools.browser.search._client import ApiClient
from ossia.tools.browser.search.errors import SearchError
from ossia.tools.browser.search.protocol import Hit, SearchProvider

_PAUSES = ("rate_limited", "blocked", "quota")
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0
_KEPT = 512


class Guard:
    """A provider that is asked at most once every `interval` seconds, and left alone after it has refused.

    A pause begins at 5 seconds (or at what the provider says) and doubles with each refusal, up to 5 minutes; while it
    lasts, searches fail at once with the reason. Answers are kept for `keep` seconds.
    """

    def __init__(
        self,
        provider: SearchProvider,
        *,
        interval: float = 0.0,
        keep: float = 900.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._provider = provider
        self._interval = interval
        self._keep = keep
        self._clock = clock
        self._turn = asyncio.Lock()
        self._last = -interval
        self._refusals = 0
        self._resume = 0.0
        self._refused: SearchError | None = None
        self._answers: OrderedDict[tuple[str, int], tuple[float, list[Hit]]] = OrderedDict()

    @property
    def name(self) -> str:
        return self._provider.name

    def check(self) -> None:
        self._provider.check()

    async def search(self, query: str, count: int, client: ApiClient) -> list[Hit]:
        """The provider's answer, or the one it gave before. Raises `SearchError`."""
        key = (" ".join(query.split()), count)
        async with self._turn:
            if (known := self._known(key)) is not None:
                return known
            self._check_pause()
            await asyncio.sleep(max(0.0, self._last + self._interval - self._clock()))
            self._last = self._clock()
        try:
            hits = await self._provider.search(query, count, client)
        except SearchError as error:
            self._note(error)
            raise
        self._refusals = 0
        self._answers[key] = (self._clock(), hits)
        if len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
        return hits

    async def fetch(self, url: str, client: ApiClient) -> Document | None:
        """The provider's page."""
        return await self._provider.fetch(url, client)

    def _known(self, key: tuple[str, int]) -> list[Hit] | None:
        at, hits = self._answers.get(key, (-self._keep, None))
        return hits if self._clock() - at < self._keep else None

    def _check_pause(self) -> None:
        left = self._resume - self._clock()
        if self._refused is not None and left > 0:
            text = f"{self._refused}; it is left alone for another {left:.0f} s"
            raise SearchError(text, self._refused.failure, retry_after=left)

    def _note(self, error: SearchError) -> None:
        if error.failure not in _PAUSES:
            return
        pause = min(_FIRST_PAUSE * 2**self._refusals, _LONGEST_PAUSE) * random.uniform(0.8, 1.2)
        self._refusals += 1
        self._refused = error
        self._resume = self._clock() + max(pause, error.retry_after or 0.0)
