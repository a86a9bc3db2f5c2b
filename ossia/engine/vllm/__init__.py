"""vllm: gpt-oss by vLLM, in this process. Nothing here imports vllm before an engine is opened."""

from ossia.engine.vllm._open import open_vllm

__all__ = ["open_vllm"]
