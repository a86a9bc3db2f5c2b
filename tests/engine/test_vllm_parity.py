"""nano on NumPy against the exported checkpoint in vLLM, in vLLM's own environment (scripts/vllm_env.sh makes it)."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ossia import harmony
from ossia.engine import STOP_TOKEN_IDS, Sampling, export_checkpoint, open_engine
from ossia.engine.nano._kv import KVCache
from ossia.engine.nano._load import load_nano
from ossia.engine.nano._model import Model, Segment
from tests.engine.models import collect
from tests.engine.prompts import agent_prompts

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
TEXTS = ["What is 48213 * 777?", "naïve 日本語 🎉\n\n\tx", "<|start|>user<|message|>hi<|end|>"]
MAX_TOKENS = 64


@pytest.mark.vllm
async def test_greedy_completions_equal_those_of_vllm(tmp_path: Path) -> None:
    assert PYTHON.exists(), "run scripts/vllm_env.sh first"
    export_checkpoint(tmp_path / "nano")
    prompts = agent_prompts()
    assert len(prompts) == 20
    theirs = run_vllm(tmp_path, prompts)

    engine = await open_engine("nano")
    sampling = Sampling(temperature=0.0, max_tokens=MAX_TOKENS)
    model = load_nano().model
    equal = 0
    for i, (prompt, their) in enumerate(zip(prompts, theirs["completions"], strict=True)):
        ours = (await collect(engine, prompt, sampling, key=str(i))).tokens
        equal += ours == their
        if ours != their:
            at = next(k for k, pair in enumerate(zip([*ours, -1], [*their, -2], strict=False)) if pair[0] != pair[1])
            assert_near_tie(model, [*prompt, *ours[:at]], ours[at], their[at])
    await engine.aclose()
    print(f"{equal} of {len(prompts)} completions equal, the others part at a near tie")
    assert theirs["texts"] == [harmony.encoding().encode(text, special=True) for text in TEXTS]


def run_vllm(directory: Path, prompts: list[list[int]]) -> dict[str, list[list[int]]]:
    source, target = directory / "asked.json", directory / "answer.json"
    asked = {"prompts": prompts, "texts": TEXTS, "max_tokens": MAX_TOKENS, "stop": STOP_TOKEN_IDS}
    source.write_text(json.dumps(asked))
    script = Path(__file__).with_name("vllm_greedy.py")
    done = subprocess.run(
        # -P: the folder of the script holds a package `http`.
        [PYTHON, "-P", script, directory / "nano", source, target],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    answer: dict[str, list[list[int]]] = json.loads(target.read_text())
    return answer


def assert_near_tie(model: Model, before: list[int], ours: int, theirs: int) -> None:
    """vLLM computes in bfloat16: it may take the other of two tokens whose logits are within one unit of its last place
    (8 bits of precision)."""
    hidden = model.forward([Segment(np.array(before), KVCache(model.config))])
    logits = model.logits(hidden[-1:])[0]
    spacing = 2.0 ** (np.floor(np.log2(abs(float(logits[ours])))) - 7)
    gap = float(logits[ours] - logits[theirs])
    assert gap <= spacing, f"after {len(before)} ids: {ours} leads {theirs} by {gap}, bfloat16 resolves {spacing}"
