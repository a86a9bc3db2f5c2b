"""The doctor's table of experts kernels against vLLM's own choice, asked of GPUs that are not here."""

import json
import subprocess
from pathlib import Path

import pytest

from ossia.cli._doctor.gpu import kernels

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
CAPABILITIES = ("7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "10.3", "11.0", "12.0", "12.1")
NAMES = {
    "FlashInfer TRTLLM (bf16 activations)": "FLASHINFER_TRTLLM_MXFP4_BF16",
    "Triton (OpenAI's kernels)": "TRITON",
    "Marlin": "MARLIN",
}


@pytest.mark.vllm
def test_the_experts_kernels_are_those_that_vllm_takes() -> None:
    assert PYTHON.exists(), "run scripts/vllm_env.sh first"
    script = ROOT / "tests" / "engine" / "vllm_kernels.py"
    # -P: the folder of the script holds a package `http`.
    command: list[str | Path] = [PYTHON, "-P", script, *CAPABILITIES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = json.loads(done.stdout.splitlines()[-1])
    assert {capability: _ours(capability) for capability in CAPABILITIES} == theirs


def _ours(capability: str) -> str:
    major, minor = capability.split(".")
    found = kernels((int(major), int(minor)))
    return NAMES[found.experts] if found else "none"
