"""Small random gpt-oss checkpoints, and the engine on them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import torch
from transformers import GptOssForCausalLM
from transformers.utils import logging as transformers_logging

from ossia.engine.hf._engine import HfEngine
from ossia.engine.hf._load import load
from ossia.engine.hf._options import HfOptions
from tests.engine.models import random_tensors, small_config, write_checkpoint

CPU = HfOptions(device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Threads of two libraries that wait for one another on a few cores cost more than they bring.
    torch.set_num_threads(1)
    transformers_logging.disable_progress_bar()
    directory = tmp_path_factory.mktemp("checkpoint")
    config = small_config()
    write_checkpoint(directory, config, random_tensors(config, seed=11, scale=6.0))
    return directory


@pytest.fixture(scope="session")
def model(checkpoint: Path) -> GptOssForCausalLM:
    """As the engine loads it."""
    return load(str(checkpoint), CPU, lambda _what, _share: None)


@pytest.fixture(scope="session")
def reference(checkpoint: Path) -> GptOssForCausalLM:
    """As transformers loads it, with its own attention."""
    return GptOssForCausalLM.from_pretrained(checkpoint, dtype=torch.float32, attn_implementation="eager").eval()


@pytest.fixture
async def engine(model: GptOssForCausalLM) -> AsyncIterator[HfEngine]:
    engine = HfEngine(model, CPU.model_copy(update={"max_context": 4096}))
    yield engine
    await engine.aclose()
