"""A gpt-oss model of transformers, as batches are run on it."""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import GptOssForCausalLM

from ossia.engine.batching import Floats, Piece, Segment
from ossia.engine.hf._attention import Sequences
from ossia.engine.hf._cache import CacheShape, TorchCache


class TorchRunner:
    """Computes token ids of several sequences at once. See `ossia.engine.batching.Runner`."""

    def __init__(self, model: GptOssForCausalLM) -> None:
        """`model`: in memory, with the attention of `_attention`."""
        self._model = model
        config = model.config
        self.shape = CacheShape(
            layers=config.num_hidden_layers,
            kv_heads=config.num_key_value_heads,
            head_dim=config.head_dim,
            dtype=model.dtype,
            device=model.device,
        )

    def new_cache(self) -> TorchCache:
        return TorchCache(self.shape)

    @torch.inference_mode()
    def compute(self, pieces: Sequence[Piece[TorchCache]]) -> Floats:
        """See `ossia.engine.batching.Runner.compute`."""
        wanted = []
        for piece in pieces:
            states = self._forward(piece.segments)
            ends = np.cumsum([len(segment.tokens) for segment in piece.segments]) - 1
            if piece.wanted:
                wanted.append(states[ends[list(piece.wanted)].tolist()])
        if not wanted:
            return np.empty((0, self._model.config.vocab_size), dtype=np.float32)
        logits: Floats = self._model.lm_head(torch.cat(wanted)).float().cpu().numpy()
        return logits

    def _forward(self, segments: Sequence[Segment[TorchCache]]) -> torch.Tensor:
        """The hidden states after the last norm, shape [T, d], T the sum of the segments' lengths."""
        for segment in segments:
            segment.cache.reserve(segment.cache.length + len(segment.tokens))
        tokens = np.concatenate([s.tokens for s in segments])
        positions = np.concatenate([s.cache.length + np.arange(len(s.tokens)) for s in segments])
        device = self.shape.device
        out = self._model.model(
            input_ids=torch.from_numpy(tokens)[None].to(device),
            position_ids=torch.from_numpy(positions)[None].to(device),
            # A mapping is taken as masks that are made already; attention makes its own.
            attention_mask={"full_attention": None, "sliding_attention": None},
            use_cache=False,
            sequences=Sequences(segments, device),
        )
        for segment in segments:
            segment.cache.advance(segment.tokens)
        states: torch.Tensor = out.last_hidden_state[0]
        return states
