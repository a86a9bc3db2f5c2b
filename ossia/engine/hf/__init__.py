"""hf: gpt-oss by transformers, in this process. Nothing here imports torch before an engine is opened."""

from ossia.engine.hf._open import open_hf
from ossia.engine.hf._options import HfOptions

__all__ = ["HfOptions", "open_hf"]
