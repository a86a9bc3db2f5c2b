"""vLLM that dies, and what it is asked for in vain."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from bench.shapes import SHAPES
from ossia.engine import Sampling, open_engine
from ossia.errors import EngineError, UserError
from tests.engine.models import collect, random_tensors, write_checkpoint
from tests.engine.vllm.conftest import OPTIONS

pytestmark = [pytest.mark.vllm_inside, pytest.mark.filterwarnings("default")]


def cores() -> list[int]:
    """Processes that run the core of a vLLM of this process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, fields = stat.read_text().rpartition(")")
        except OSError:
            continue
        if int(fields.split()[1]) == os.getpid() and "VLLM::EngineCor" in name:
            found.append(int(stat.parent.name))
    return found


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A model of random weights, which hardly ever samples a stop id."""
    config = SHAPES["small"]
    (tmp_path / "random").mkdir()
    write_checkpoint(tmp_path / "random", config, random_tensors(config, seed=1))
    return tmp_path / "random"


async def test_a_core_that_dies_is_replaced_once_and_its_runs_go_on(endless: Path) -> None:
    engine = await open_engine(f"vllm:{endless}", options=OPTIONS)
    long = Sampling(temperature=2.0, max_tokens=600)
    runs = [asyncio.create_task(collect(engine, [100 + i] * 50, long, key=str(i))) for i in range(3)]
    await asyncio.sleep(1.5)
    assert not any(run.done() for run in runs)
    (core,) = cores()
    os.kill(core, signal.SIGKILL)
    answers = await asyncio.gather(*runs)
    assert all(answer.finish == "stop" or len(answer.tokens) == 600 for answer in answers)

    (core,) = cores()
    again = asyncio.create_task(collect(engine, [100] * 50, long))
    await asyncio.sleep(1.0)
    os.kill(core, signal.SIGKILL)
    with pytest.raises(EngineError, match="died a second time"):
        await again
    await engine.aclose()
    with pytest.raises(EngineError, match="closed"):
        await collect(engine, [1], long)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"max_modle_len": 100}, "did you mean 'max_model_len'"),
        ({"model": "other"}, "takes no option 'model'"),
        ({"max_model_len": 10_000_000}, "max_model_len"),
        ({"dtype": "float9"}, "dtype"),
    ],
)
async def test_a_wrong_argument_is_told_before_anything_is_started(
    checkpoint: Path, options: dict[str, str | int], says: str
) -> None:
    before = cores()
    with pytest.raises(UserError, match=says) as caught:
        await open_engine(f"vllm:{checkpoint}", options={**OPTIONS, **options})
    assert "\n" not in str(caught.value)
    assert cores() == before


async def test_what_is_no_model_of_ours_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such directory"):
        await open_engine(f"vllm:{tmp_path}/none")
    with pytest.raises(UserError, match=str(tmp_path)):
        await open_engine(f"vllm:{tmp_path}")
    with pytest.raises(UserError, match="no model 'openai/gpt-oss-9000b' here"):
        await open_engine("vllm:openai/gpt-oss-9000b")
    (tmp_path / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}')
    with pytest.raises(UserError, match="'llama'"):
        await open_engine(f"vllm:{tmp_path}", options={"skip_tokenizer_init": True})


async def test_a_checkpoint_without_a_tokenizer_is_served_without_grammar(checkpoint: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", "generation_config.json"):
        os.link(checkpoint / name, tmp_path / name)
    engine = await open_engine(f"vllm:{tmp_path}", options=OPTIONS)
    assert not engine.info.capabilities.grammar
    answer = await collect(engine, [200006, 1428, 200008], Sampling(temperature=0.0, max_tokens=8))
    assert answer.tokens
    await engine.aclose()
