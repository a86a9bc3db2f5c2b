"""Continuous batching for models that run in this process, whatever computes them: nano on NumPy, transformers."""

from ossia.engine.batching._batcher import Batcher, Request, Sizes
from ossia.engine.batching._engine import BatchEngine
from ossia.engine.batching._sample import log_probability, sample
from ossia.engine.batching._sequences import Floats, Piece, Runner, Segment, SequenceCache, Tokens

__all__ = [
    "BatchEngine",
    "Batcher",
    "Floats",
    "Piece",
    "Request",
    "Runner",
    "Segment",
    "SequenceCache",
    "Sizes",
    "Tokens",
    "log_probability",
    "sample",
]
