"""A completion that may take several requests: its engine can be lost in the middle, and the rest is asked for anew."""

from collections.abc import Sequence

from ossia.engine.protocol import STOP_TOKEN_IDS, Chunk, Finish, Sampling


class Unfinished:
    """What was asked for, and what has been sampled of it so far."""

    def __init__(self, prompt: Sequence[int], sampling: Sampling, limit: int, structural_tag: str | None) -> None:
        """`limit`: the most token ids to sample."""
        self.sampling = sampling
        self.limit = limit
        self.structural_tag = structural_tag
        self.sampled: list[int] = []
        self.told_finish = False
        """Whether a chunk with `finish` was given."""
        self._prompt = prompt

    @property
    def stopped(self) -> bool:
        """Whether the last id that was sampled is a stop id."""
        return self.sampled[-1:] in _STOPS

    @property
    def over(self) -> bool:
        """Nothing is left to sample, whether or not the engine could still say so."""
        return self.told_finish or len(self.sampled) >= self.limit or self.stopped

    @property
    def seed(self) -> int | None:
        """The seed of the next request: the same one again would draw the same numbers again."""
        return None if self.sampling.seed is None else self.sampling.seed + len(self.sampled)

    def ids(self) -> list[int]:
        """The prompt of the next request."""
        return [*self._prompt, *self.sampled]

    def ending(self) -> Chunk:
        """The last chunk where the engine was lost after the last token id."""
        self.told_finish = True
        finish: Finish = "stop" if self.stopped else "length"
        return Chunk((), () if self.sampling.logprobs else None, finish)


_STOPS = tuple([stop] for stop in STOP_TOKEN_IDS)
