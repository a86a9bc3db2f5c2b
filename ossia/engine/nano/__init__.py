"""nano: the embedded engine, a tiny model of the gpt-oss architecture on NumPy."""

from ossia.engine.nano._engine import NanoEngine, open_nano
from ossia.engine.nano._export import export_checkpoint
from ossia.engine.nano._load import load_checkpoint
from ossia.engine.nano._vocabulary import cache_directory

__all__ = ["NanoEngine", "cache_directory", "export_checkpoint", "load_checkpoint", "open_nano"]
