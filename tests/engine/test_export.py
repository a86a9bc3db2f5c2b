"""The shipped model as an ordinary checkpoint, in transformers."""

import json
import random
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, GenerationConfig, GptOssForCausalLM

from ossia import harmony
from ossia.engine import Sampling, export_checkpoint, open_engine
from ossia.engine.nano import NanoEngine, _export, load_checkpoint
from ossia.engine.nano._kv import KVCache
from ossia.engine.nano._load import load_nano
from ossia.engine.nano._model import Segment
from ossia.errors import EngineError, UserError
from tests.engine.models import collect
from tests.engine.prompts import agent_prompts


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("export") / "deep" / "nano"
    told: list[float] = []
    export_checkpoint(directory, lambda _what, share: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0
    return directory


def test_logits_and_greedy_choices_equal_those_of_transformers(checkpoint: Path) -> None:
    torch.set_num_threads(1)
    ours, theirs = load_nano().model, GptOssForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
    for prompt in agent_prompts()[::5]:
        with torch.no_grad():
            want = theirs(torch.tensor([prompt])).logits[0, -64:].numpy()
        got = ours.logits(ours.forward([Segment(np.array(prompt), KVCache(ours.config))])[-64:])
        error = np.linalg.norm(got - want, axis=1) / np.linalg.norm(want, axis=1)
        assert error.max() < 1e-3
        np.testing.assert_array_equal(got.argmax(axis=1), want.argmax(axis=1))


def test_the_files_are_those_of_an_ordinary_checkpoint(checkpoint: Path) -> None:
    names = {path.name for path in checkpoint.iterdir()}
    assert names == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    config = json.loads((checkpoint / "config.json").read_text())
    assert config["architectures"] == ["GptOssForCausalLM"]
    assert config["vocab_size"] == 201_088
    assert set(GenerationConfig.from_pretrained(checkpoint).eos_token_id) == {200_002, 199_999, 200_012}


async def test_the_exported_checkpoint_runs_on_this_engine_too(checkpoint: Path) -> None:
    shipped, exported = await open_engine("nano"), NanoEngine(load_checkpoint(checkpoint))
    sampling = Sampling(temperature=0.0, max_tokens=24)
    for prompt in agent_prompts()[:3]:
        assert (await collect(exported, prompt, sampling)).tokens == (await collect(shipped, prompt, sampling)).tokens
    await shipped.aclose()
    await exported.aclose()


def test_the_tokenizer_encodes_and_decodes_like_harmony(checkpoint: Path) -> None:
    theirs, ours = AutoTokenizer.from_pretrained(checkpoint), harmony.encoding()
    pieces = [
        "abc",
        "XYZ",
        " ",
        "\n",
        "\t",
        ".",
        "'s",
        "'LL",
        "é",
        "日本",
        "🔥",
        "👩‍👩‍👧",
        "012",
        "/",
        "{",
        "\u0301",
        "ǅ",
    ]
    pieces += ["Ⅷ", "\u00a0", "\u200b", "<|", "|>", "\r\n", "ﬁ", "𝔘", "한국어", "عربى", "हिन्दी", "\x00", "\ufeff"]
    seeded = random.Random(0)
    texts = ["".join(seeded.choices(pieces, k=40)) for _ in range(500)]
    texts += [
        "a" * 500,
        " " * 300 + "x",
        "<|start|>assistant<|channel|>final<|message|>hi<|return|><|call|><|endoftext|>",
    ]
    for text in texts:
        ids = theirs.encode(text, add_special_tokens=False)
        assert ids == ours.encode(text, special=True), repr(text)
        assert theirs.decode(ids) == text


def test_a_directory_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")
    for target in (tmp_path, tmp_path / "note"):
        with pytest.raises(UserError, match="new or empty"):
            export_checkpoint(target)
    assert (tmp_path / "note").read_text() == "mine"


def test_a_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")
    with pytest.raises(EngineError, match="cannot be written"):
        export_checkpoint(tmp_path / "note" / "nano")
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


def test_a_disk_that_takes_no_more_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(EngineError, match="cannot be written to .*File too large"):
            export_checkpoint(tmp_path / "nano")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_an_empty_directory_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_export, "_write", lambda directory, *_: (directory / "config.json").write_text("{}"))
    target = tmp_path / "empty"
    target.mkdir()
    export_checkpoint(target)
    assert [path.name for path in tmp_path.rglob("*")] == ["empty", "config.json"]
