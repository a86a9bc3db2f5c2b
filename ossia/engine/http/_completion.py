"""One completion, over as many requests as it takes."""

from collections.abc import Sequence

from ossia.engine.http._faults import Unreadable
from ossia.engine.http._probe import VOCABULARY, Found
from ossia.engine.http._wire import Arrived, Ask
from ossia.engine.protocol import STOP_TOKEN_IDS, Chunk, Finish, Sampling
from ossia.engine.unfinished import Unfinished
from ossia.errors import EngineError


class Completion(Unfinished):
    """What was asked for, and what has been sampled of it: `ask` for what is missing, `take` what arrives."""

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
        super().__init__(prompt, sampling, limit, structural_tag)
        self._priority = priority
        self._affinity = affinity
        self._until = 0
        """Token ids that there are once the request under way has given all that it may."""
        self._first: Arrived | None = None
        """What the first request told: how much of the prompt was cached is told of that one."""
        self._told_cached = False

    def ask(self, found: Found) -> Ask:
        """The next request, to a server of that kind."""
        done, most = len(self.sampled), found.wire.most
        missing = self.limit - done
        tokens = missing if most is None else min(missing, most)
        self._until = done + tokens
        return Ask(
            model=found.model,
            prompt=self.ids(),
            sampling=self.sampling,
            max_tokens=tokens,
            seed=self.seed,
            priority=self._priority if found.takes_priority else 0,
            structural_tag=self.structural_tag,
            affinity=self._affinity,
        )

    def take(self, arrived: Arrived) -> Chunk:
        """What has arrived, as a chunk. Raises `EngineError` for what no server of gpt-oss would send."""
        ids, arrived.token_ids = arrived.token_ids, []
        logprobs, arrived.logprobs = arrived.logprobs, []
        if ids and not (min(ids) >= 0 and max(ids) < VOCABULARY):
            raise EngineError(f"the server sampled token ids outside [0, {VOCABULARY}): it serves no gpt-oss")
        if self.sampling.logprobs and len(logprobs) != len(ids):
            raise Unreadable(f"the server told {len(logprobs)} log probabilities of {len(ids)} token ids")
        finish = self._add(ids)
        if finish is None and arrived.finish is not None:
            finish = self._finish(arrived.finish)
        self.told_finish = finish is not None
        if self._first is None:
            self._first = arrived
        cached = None
        if arrived.cached is not None and arrived is self._first and not self._told_cached:
            cached, self._told_cached = arrived.cached, True
        return Chunk(tuple(ids), tuple(logprobs[: len(ids)]) if self.sampling.logprobs else None, finish, cached)

    def _add(self, ids: list[int]) -> Finish | None:
        """Add to what was sampled, and cut `ids` after the first stop id and at the limit. "stop": the server went on
        after a stop id, as one with the wrong settings does.
        """
        if self.stopped:
            went_on = bool(ids)
            ids.clear()
            return "stop" if went_on else None
        del ids[self.limit - len(self.sampled) :]
        for at, token in enumerate(ids):
            if token in STOP_TOKEN_IDS:
                went_on = at + 1 < len(ids)
                del ids[at + 1 :]
                self.sampled += ids
                return "stop" if went_on else None
        self.sampled += ids
        return None

    def _finish(self, reason: str) -> Finish | None:
        """How the completion ended; None: only this piece of it did."""
        if self.stopped or reason != "length":
            return "stop"
        return "length" if len(self.sampled) < self._until or self._until >= self.limit else None
