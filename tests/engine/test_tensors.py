"""bfloat16 and safetensors on NumPy alone, against torch and the safetensors package."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from ossia.engine.nano import load_checkpoint
from ossia.engine.nano._config import ModelConfig
from ossia.engine.nano._load import read_core
from ossia.engine.nano._tensors import Stored, from_bfloat16, read_tensors, to_bfloat16, write_tensors
from ossia.errors import EngineError
from tests.engine.models import small_config


@given(st.lists(st.floats(-(2.0**126), 2.0**126, width=32), max_size=200))
def test_rounding_is_that_of_torch(numbers: list[float]) -> None:
    values = np.array(numbers, dtype=np.float32)
    want = torch.from_numpy(values.copy()).to(torch.bfloat16).float().numpy()
    np.testing.assert_array_equal(from_bfloat16(to_bfloat16(values)), want)


def test_files_of_torch_are_read(tmp_path: Path) -> None:
    tensors = {
        "a": torch.randn(3, 4).to(torch.bfloat16),
        "b": torch.randn(5).to(torch.float16),
        "c": torch.randn(2, 2, 2),
    }
    save_file(tensors, tmp_path / "file", metadata={"key": "value"})
    read, metadata = read_tensors(tmp_path / "file")
    assert metadata == {"key": "value"}
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(read[name], tensor.float().numpy())


def test_written_files_are_read_by_safetensors(tmp_path: Path) -> None:
    values = from_bfloat16(to_bfloat16(np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)))
    pieces = (to_bfloat16(values[i : i + 2]) for i in range(0, 6, 2))
    with (tmp_path / "file").open("wb") as file:
        write_tensors(
            file, {"whole": Stored((6, 5), pieces), "one": Stored((1,), [to_bfloat16(values[:1, 0])])}, {"format": "pt"}
        )
    with safe_open(tmp_path / "file", "pt") as opened:
        assert opened.metadata() == {"format": "pt"}
        np.testing.assert_array_equal(opened.get_tensor("whole").float().numpy(), values)
        assert opened.get_tensor("one").dtype == torch.bfloat16


@pytest.mark.parametrize("damage", ["empty", "half", "garbage", "missing"])
def test_a_damaged_file_is_an_engine_error(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "core.safetensors"
    save_file({"a": torch.randn(64, 64)}, path, metadata={"config": "{}"})
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "half": data[: len(data) // 2], "garbage": b"garbage " * 99}[damage])
    with pytest.raises(EngineError, match=r"core\.safetensors"):
        read_core(path)


def test_a_core_that_names_no_model_is_an_engine_error(tmp_path: Path) -> None:
    save_file({"a": torch.randn(4)}, tmp_path / "core.safetensors")
    with pytest.raises(EngineError, match="which model"):
        read_core(tmp_path / "core.safetensors")


def test_a_checkpoint_of_another_architecture_is_an_engine_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama", "hidden_size": 8}')
    with pytest.raises(EngineError, match="gpt-oss"):
        load_checkpoint(tmp_path)
    with pytest.raises(EngineError, match=r"config\.json"):
        load_checkpoint(tmp_path / "nowhere")


def test_the_published_form_of_a_config_reads_back() -> None:
    config = small_config()
    fields = config.to_hf()
    assert "rope_scaling" in fields
    assert ModelConfig.from_hf(fields) == config
    with pytest.raises(EngineError, match="3 layer types for 4 layers"):
        ModelConfig.from_hf(fields | {"layer_types": ["full_attention"] * 3})
