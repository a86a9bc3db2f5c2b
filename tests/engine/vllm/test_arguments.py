"""What can be known of vLLM in process where vLLM is not installed."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from ossia.engine import open_engine
from ossia.engine.vllm._options import engine_arguments
from ossia.errors import UserError

KNOWN = ["model", "max_model_len", "scheduling_policy", "prefix_cache_retention_interval", "tokenizer", "dtype"]


def test_agents_need_other_arguments_than_vllm_has_by_default() -> None:
    arguments = engine_arguments("openai/gpt-oss-20b", {}, KNOWN, cpu=False)
    assert arguments["model"] == "openai/gpt-oss-20b"
    assert arguments["max_model_len"] == -1
    assert arguments["prefix_cache_retention_interval"] is None
    assert arguments["scheduling_policy"] == "priority"


def test_what_the_caller_asks_for_wins() -> None:
    asked = {"max_model_len": 4096, "prefix_cache_retention_interval": 512, "enable_chunked_prefill": True}
    arguments = engine_arguments("m", asked, [*KNOWN, "enable_chunked_prefill"], cpu=True)
    assert asked.items() <= arguments.items()


def test_prompts_are_computed_whole_on_a_cpu() -> None:
    assert engine_arguments("m", {}, KNOWN, cpu=True)["enable_chunked_prefill"] is False
    assert "enable_chunked_prefill" not in engine_arguments("m", {}, KNOWN, cpu=False)


def test_a_directory_without_a_tokenizer_is_opened_without_one(tmp_path: Path) -> None:
    assert engine_arguments(str(tmp_path), {}, KNOWN, cpu=False)["skip_tokenizer_init"] is True
    assert "skip_tokenizer_init" not in engine_arguments(str(tmp_path), {"tokenizer": "t"}, KNOWN, cpu=False)
    (tmp_path / "tokenizer.json").write_text("{}")
    assert "skip_tokenizer_init" not in engine_arguments(str(tmp_path), {}, KNOWN, cpu=False)


@pytest.mark.parametrize(
    ("option", "says"), [("max_modle_len", "did you mean 'max_model_len'"), ("model", "stands in the spec")]
)
def test_a_wrong_option_is_refused_in_one_sentence(option: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        engine_arguments("m", {option: 1}, KNOWN, cpu=False)


async def test_a_spec_without_a_model_is_refused() -> None:
    with pytest.raises(UserError, match="names no model"):
        await open_engine("vllm:")


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed here")
async def test_without_vllm_the_way_to_it_is_told() -> None:
    with pytest.raises(UserError, match=r"pip install 'ossia\[vllm\]'") as caught:
        await open_engine("vllm:openai/gpt-oss-20b")
    assert "\n" not in str(caught.value)


def test_importing_ossia_does_not_import_vllm() -> None:
    code = "import sys, ossia, ossia.engine.vllm; sys.exit('vllm' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], timeout=60, check=False).returncode == 0
