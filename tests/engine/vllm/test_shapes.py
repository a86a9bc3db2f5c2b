"""gpt-oss's own shapes with weights that vLLM makes up: they need a GPU with their memory, the small one does not."""

import asyncio
from pathlib import Path

import pytest

from bench.shapes import Shape, write_shape
from ossia.engine import Sampling, open_engine
from tests.engine.models import collect

MEMORY = {"20b": 16e9, "120b": 75e9}
"""Bytes of GPU memory that the weights and a cache take."""


async def thirty_two_agents(directory: Path, shape: Shape, steps: int) -> None:
    """Each goes on from what it sampled and a tool's result; all that they share is to be found in the cache."""
    options = {**write_shape(directory, shape), "max_model_len": 4096, "max_num_seqs": 32}
    engine = await open_engine(f"vllm:{directory}", options=options)
    sampling = Sampling(temperature=1.0, max_tokens=160)

    async def agent(number: int) -> None:
        prompt, cached = [1000 + number] * 256, 0
        for _ in range(steps):
            answer = await collect(engine, prompt, sampling, key=str(number))
            assert answer.finish == "stop" or len(answer.tokens) == 160
            cached = answer.cached
            prompt = [*prompt, *answer.tokens, *[2000 + number] * 64]
        assert cached >= 256

    await asyncio.gather(*map(agent, range(32)))
    await engine.aclose()


@pytest.mark.vllm_inside
@pytest.mark.filterwarnings("default")
async def test_agents_on_made_up_weights(tmp_path: Path) -> None:
    await thirty_two_agents(tmp_path / "small", "small", steps=2)


@pytest.mark.gpu
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("shape", ["20b", "120b"])
async def test_agents_on_the_shapes_of_gpt_oss(shape: Shape, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("vllm")
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    if torch.cuda.get_device_properties(0).total_memory < MEMORY[shape]:
        pytest.skip(f"gpt-oss-{shape} needs {MEMORY[shape] / 1e9:.0f} GB of GPU memory")
    await thirty_two_agents(tmp_path / shape, shape, steps=4)
