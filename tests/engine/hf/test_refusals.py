"""What the transformers engine refuses when it is opened: one sentence each, which says what to do."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub.constants
import pytest

from ossia.engine import open_engine
from ossia.engine.hf import HfOptions, _load
from ossia.errors import EngineError, UserError
from ossia.types import JsonValue


async def refused(
    spec: str, says: str, options: dict[str, JsonValue] | None = None, *, kind: type[Exception] = UserError
) -> None:
    with pytest.raises(kind, match=says) as caught:
        await open_engine(spec, options=options)
    assert "\n" not in str(caught.value)


async def test_a_spec_without_a_model() -> None:
    await refused("hf:", "names no model")


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("dtyp", "auto", "did you mean 'dtype'"),
        ("dtype", "int8", "option 'dtype'"),
        ("kept_bytes", -1, "option 'kept_bytes'"),
        ("running", "many", "option 'running'"),
        ("device", "tpu9", "no device 'tpu9'"),
        ("device", "cuda:99", "no device 'cuda:99'"),
    ],
)
async def test_wrong_options(checkpoint: Path, option: str, value: JsonValue, says: str) -> None:
    await refused(f"hf:{checkpoint}", says, {option: value})


async def test_no_such_directory(tmp_path: Path) -> None:
    await refused(f"hf:{tmp_path / 'nowhere'}", "no such directory")


async def test_a_directory_without_a_checkpoint(tmp_path: Path) -> None:
    await refused(f"hf:{tmp_path}", "holds no config.json")


async def test_a_model_that_is_not_gpt_oss(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    await refused(f"hf:{tmp_path}", "type 'llama'")


async def test_a_damaged_config(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    await refused(f"hf:{tmp_path}", "can't be read")


async def test_damaged_weights(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copy(checkpoint / "config.json", tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    await refused(f"hf:{tmp_path}", "could not be loaded on cpu", {"device": "cpu"}, kind=EngineError)


@pytest.mark.parametrize("target", ["openai/no-such-model-of-gpt-oss", "not an id: spaces"])
async def test_a_model_that_the_hub_does_not_give(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    await refused(f"hf:{target}", "could be had from the hub")


async def test_a_device_that_is_too_small(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_load, "free_bytes", lambda device: 1 << 10)
    await refused(f"hf:{checkpoint}", "0.0 GB are free", {"device": "cpu"})


async def test_torch_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_engine", "_load", "_attention", "_cache", "_memory", "_runner"):
        monkeypatch.delitem(sys.modules, f"ossia.engine.hf.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    await refused("hf:openai/gpt-oss-20b", r"pip install 'ossia\[local\]'")


def test_nothing_heavy_is_imported_before_an_engine_is_opened() -> None:
    code = "import sys, ossia.engine.hf; sys.exit(bool({'torch', 'transformers', 'llguidance'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_option_is_described() -> None:
    assert all(field.description for field in HfOptions.model_fields.values())
