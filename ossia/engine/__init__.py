"""Engines: token ids in, token ids out. They know no harmony message."""

from ossia.engine._open import open_engine
from ossia.engine.nano import export_checkpoint
from ossia.engine.protocol import STOP_TOKEN_IDS, Capabilities, Chunk, Engine, EngineInfo, Finish, Progress, Sampling
from ossia.engine.sampled import Sampled, sample, samples

__all__ = [
    "STOP_TOKEN_IDS",
    "Capabilities",
    "Chunk",
    "Engine",
    "EngineInfo",
    "Finish",
    "Progress",
    "Sampled",
    "Sampling",
    "export_checkpoint",
    "open_engine",
    "sample",
    "samples",
]
