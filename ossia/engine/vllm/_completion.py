"""One completion: what vLLM is asked, and what its outputs mean."""

import dataclasses
from collections.abc import Sequence

from vllm.outputs import RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams

from ossia.engine.protocol import STOP_TOKEN_IDS, Chunk, Finish, Sampling
from ossia.errors import EngineError

_SEEDS = 1 << 63
"""A seed beyond this ends vLLM's worker."""


@dataclasses.dataclass
class Completion:
    """What was asked for, and what has been sampled of it so far, over one engine or two."""

    prompt: Sequence[int]
    sampling: Sampling
    limit: int
    """The most token ids to sample."""
    tag: str | None
    sampled: list[int] = dataclasses.field(default_factory=list)
    finished: bool = False
    _told_cached: bool = False

    @property
    def over(self) -> bool:
        """Nothing is left to sample, whether or not vLLM could still say so."""
        return self.finished or len(self.sampled) >= self.limit or self.sampled[-1:] in _ENDINGS

    def ids(self) -> list[int]:
        return [*self.prompt, *self.sampled]

    def parameters(self, vocabulary: int) -> SamplingParams:
        """What to ask for what is missing."""
        asked, done = self.sampling, len(self.sampled)
        return SamplingParams(
            max_tokens=self.limit - done,
            temperature=asked.temperature,
            top_p=asked.top_p,
            top_k=asked.top_k if asked.top_k < vocabulary else 0,
            # The same seed again would draw the same numbers again.
            seed=None if asked.seed is None else (asked.seed + done) % _SEEDS,
            logprobs=0 if asked.logprobs else None,
            # Both, always: which ids stop by themselves depends on the checkpoint and its tokenizer.
            stop_token_ids=list(STOP_TOKEN_IDS),
            structured_outputs=None if self.tag is None else StructuredOutputsParams(structural_tag=self.tag),
            output_kind=RequestOutputKind.DELTA,
            detokenize=False,
            skip_clone=True,
        )

    def take(self, output: RequestOutput) -> Chunk:
        """What an output brings, as a chunk."""
        part = output.outputs[0]
        ids: tuple[int, ...] = tuple(part.token_ids)
        self.sampled += ids
        finish = self._finish(part.finish_reason) if part.finish_reason is not None else None
        logprobs = None
        if self.sampling.logprobs:
            logprobs = tuple(entry[token].logprob for token, entry in zip(ids, part.logprobs or (), strict=True))
        cached = None
        if not self._told_cached:
            self._told_cached, cached = True, output.num_cached_tokens
        return Chunk(ids, logprobs, finish, cached)

    def _finish(self, reason: str) -> Finish:
        """By the last token id: the reasons that vLLM gives depend on the tokenizer."""
        if reason not in ("stop", "length"):
            raise EngineError(f"vLLM ended a completion after {len(self.sampled)} token ids: {reason}")
        self.finished = True
        return "stop" if self.sampled[-1:] in _ENDINGS or reason == "stop" else "length"

    def ending(self) -> Chunk:
        """The last chunk where the engine was lost after the last token id."""
        self.finished = True
        finish: Finish = "stop" if self.sampled[-1:] in _ENDINGS else "length"
        return Chunk((), () if self.sampling.logprobs else None, finish)


_ENDINGS = tuple([stop] for stop in STOP_TOKEN_IDS)
