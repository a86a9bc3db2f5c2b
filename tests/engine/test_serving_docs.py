"""The command lines of docs/serving.md, parsed by vLLM itself."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    lines = "".join(BLOCK.findall((ROOT / "docs" / "serving.md").read_text())).splitlines()
    return [line for line in lines if line.startswith("vllm serve")]


def test_every_recipe_keeps_what_the_model_writes() -> None:
    assert len(commands()) >= 8
    for line in commands():
        assert "--prefix-cache-retention-interval" in line
        assert "--enable-prompt-tokens-details" in line


@pytest.mark.vllm
def test_vllm_parses_every_command_line() -> None:
    assert PYTHON.exists(), "run scripts/vllm_env.sh first"
    script = Path(__file__).with_name("vllm_flags.py")
    done = subprocess.run(
        # -P: the folder of the script holds a package `http`.
        [PYTHON, "-P", script],
        input="\n".join(commands()),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    parsed = json.loads(done.stdout.splitlines()[-1])
    assert len(parsed) == len(commands())
    for line, arguments in zip(commands(), parsed, strict=True):
        assert arguments["model"] == line.split()[2]
        assert arguments["enable_scale_out"]
        assert arguments["enable_prompt_tokens_details"]
        interval = arguments["prefix_cache_retention_interval"]
        assert interval is None if "interval None" in line else interval == 1024
