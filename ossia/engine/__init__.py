"""Engines: token ids in, token ids out. They know no harmony message."""

from ossia.engine.protocol import STOP_TOKEN_IDS, Capabilities, Chunk, Engine, EngineInfo, Finish, Sampling

__all__ = ["STOP_TOKEN_IDS", "Capabilities", "Chunk", "Engine", "EngineInfo", "Finish", "Sampling"]
