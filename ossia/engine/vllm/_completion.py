"""One completion: what vLLM is asked, and what its outputs mean."""

from vllm.outputs import RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams

from ossia.engine.protocol import STOP_TOKEN_IDS, Chunk, Finish
from ossia.engine.unfinished import Unfinished
from ossia.errors import EngineError

_SEEDS = 1 << 63
"""A seed beyond this ends vLLM's worker."""


class Completion(Unfinished):
    """What was asked for, and what has been sampled of it so far, over one engine or two."""

    _told_cached = False

    def parameters(self, vocabulary: int) -> SamplingParams:
        """What to ask for what is missing."""
        asked = self.sampling
        return SamplingParams(
            max_tokens=self.limit - len(self.sampled),
            temperature=asked.temperature,
            top_p=asked.top_p,
            top_k=asked.top_k if asked.top_k < vocabulary else 0,
            seed=None if self.seed is None else self.seed % _SEEDS,
            logprobs=0 if asked.logprobs else None,
            # Both, always: which ids stop by themselves depends on the checkpoint and its tokenizer.
            stop_token_ids=list(STOP_TOKEN_IDS),
            structured_outputs=None
            if self.structural_tag is None
            else StructuredOutputsParams(structural_tag=self.structural_tag),
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
        self.told_finish = True
        return "stop" if self.stopped or reason == "stop" else "length"
