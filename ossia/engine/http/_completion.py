"""One completion, over as many requests as it takes."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ossia.engine.http._client import Client
from ossia.engine.http._faults import Unreadable
from ossia.engine.http._probe import VOCABULARY, Found
from ossia.engine.http._wire import Arrived, Ask
from ossia.engine.protocol import STOP_TOKEN_IDS, Chunk, Finish, Sampling
from ossia.errors import EngineError


class Completion:
    """What was asked for, and what has been sampled of it."""

    def __init__(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        limit: int,
        priority: int,
        structural_tag: str | None,
        affinity: str,
    ) -> None:
        """`limit`: the most token ids to sample."""
        self.sampled: list[int] = []
        self.structural_tag = structural_tag
        self.told_finish = False
        """Whether a chunk with `finish` was given."""
        self._prompt = prompt
        self._sampling = sampling
        self._limit = limit
        self._priority = priority
        self._affinity = affinity
        self._first: Arrived | None = None
        """What its first request told: how much of the prompt was cached is told of that one."""
        self._told_cached = False

    @property
    def over(self) -> bool:
        """Nothing is left to sample, whether or not the server could still say so."""
        return self.told_finish or len(self.sampled) >= self._limit or self.sampled[-1:] in _STOPS

    def ending(self) -> Chunk:
        """The last chunk where the last server was lost after the last token id."""
        finish: Finish = "stop" if self.sampled[-1:] in _STOPS else "length"
        return Chunk((), () if self._sampling.logprobs else None, finish)

    async def request(self, client: Client, base: str, found: Found) -> AsyncGenerator[Chunk, None]:
        """Send one request for what is missing, and give what it brings. Raises what `Client.complete` does."""
        ask = self._ask(found)
        before = len(self.sampled)
        async with aclosing(client.complete(base, found.wire, ask)) as answer:
            async for arrived in answer:
                self._first = self._first or arrived
                yield self._chunk(arrived, ask, base, before)
                if self.told_finish:
                    return

    def _ask(self, found: Found) -> Ask:
        seed, done = self._sampling.seed, len(self.sampled)
        missing = self._limit - done
        return Ask(
            model=found.model,
            prompt=[*self._prompt, *self.sampled] if done else list(self._prompt),
            sampling=self._sampling,
            max_tokens=missing if found.wire.most is None else min(missing, found.wire.most),
            # The same seed again would draw the same numbers again.
            seed=None if seed is None else seed + done,
            priority=self._priority if found.takes_priority else 0,
            structural_tag=self.structural_tag,
            affinity=self._affinity,
        )

    def _chunk(self, arrived: Arrived, ask: Ask, base: str, before: int) -> Chunk:
        """Take what has arrived, as a chunk."""
        ids, arrived.token_ids = arrived.token_ids, []
        logprobs, arrived.logprobs = arrived.logprobs, []
        if ids and not (min(ids) >= 0 and max(ids) < VOCABULARY):
            raise EngineError(f"{base} sampled token ids outside [0, {VOCABULARY}): it serves no gpt-oss")
        if self._sampling.logprobs and len(logprobs) != len(ids):
            raise Unreadable(f"{base} told {len(logprobs)} log probabilities of {len(ids)} token ids")
        ids, went_on = self._until_stop(ids[: self._limit - len(self.sampled)])
        self.sampled += ids
        finish: Finish | None = "stop" if went_on else None
        if finish is None and arrived.finish is not None:
            finish = self._finish(arrived.finish, ask, before)
        self.told_finish = finish is not None
        cached = None
        if arrived.cached is not None and arrived is self._first and not self._told_cached:
            cached, self._told_cached = arrived.cached, True
        return Chunk(tuple(ids), tuple(logprobs[: len(ids)]) if self._sampling.logprobs else None, finish, cached)

    def _until_stop(self, ids: list[int]) -> tuple[list[int], bool]:
        """The ids up to the first stop id. True: the server went on after one, as some do with the wrong settings."""
        if ids and self.sampled[-1:] in _STOPS:
            return [], True
        for at, token in enumerate(ids[:-1]):
            if token in STOP_TOKEN_IDS:
                return ids[: at + 1], True
        return ids, False

    def _finish(self, reason: str, ask: Ask, before: int) -> Finish | None:
        """How the completion ended; None: only this piece of it did."""
        if self.sampled[-1:] in _STOPS or reason != "length":
            return "stop"
        whole = len(self.sampled) - before >= ask.max_tokens
        return None if whole and len(self.sampled) < self._limit else "length"


_STOPS = tuple([stop] for stop in STOP_TOKEN_IDS)
