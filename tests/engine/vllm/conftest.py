"""vLLM in this process: these tests run in the environment that scripts/vllm_env.sh makes."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ossia.engine import Engine, export_checkpoint, open_engine
from ossia.types import JsonValue

os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

OPTIONS: dict[str, JsonValue] = {"dtype": "bfloat16", "enforce_eager": True, "max_model_len": 8192, "max_num_seqs": 32}


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """nano as a checkpoint, with its tokenizer."""
    directory = tmp_path_factory.mktemp("vllm") / "nano"
    export_checkpoint(directory)
    return directory


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(checkpoint: Path) -> AsyncIterator[Engine]:
    """One for a module: vLLM takes half a minute to start."""
    opened = await open_engine(f"vllm:{checkpoint}", options=OPTIONS)
    yield opened
    await opened.aclose()
