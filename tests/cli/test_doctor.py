"""`ossia doctor` as a command, and its rows of the machine: GPUs, packages, vocabulary, sandboxes, Chromium."""

import json
import sys
from pathlib import Path

import pytest

from ossia.cli._doctor import gpu, machine, sandboxes
from ossia.cli._doctor.engine import PROBES
from ossia.cli._doctor.finding import bounded
from tests.cli.conftest import Ossia

NOWHERE = "unix:///nowhere.sock"


def test_the_table_as_json(ossia: Ossia) -> None:
    done = ossia("doctor", "--json")
    rows = {row["what"]: row for row in json.loads(done.stdout)}
    assert set(rows["python"]) == {"what", "state", "found", "advice"}
    for what in ("packages", "vocabulary", "journals", "docker daemon", "sandbox", "chromium", "engine nano"):
        assert what in rows
    failed = [row for row in rows.values() if row["state"] in ("wrong", "failed", "refused")]
    assert (done.returncode == 0) == (not failed), failed
    # nano keeps every promise; what it thinks does not depend on effort, as a real model's thoughts do.
    assert list(rows)[-len(PROBES) :] == list(PROBES)
    assert {what: rows[what]["state"] for what in PROBES if rows[what]["state"] != "ok"} == {"effort": "unmeasured"}
    assert done.stderr == ""


def test_no_such_engine_is_exit_code_2_and_still_a_table(ossia: Ossia) -> None:
    done = ossia("doctor", "nanno", PATH="/nowhere", DOCKER_HOST=NOWHERE)
    assert done.returncode == 2
    assert "did you mean 'nano'" in done.stdout
    # Without a sandbox it says how to get one, and what is missing.
    assert "start Docker and run `ossia sandbox build`" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stderr


async def test_without_docker_each_row_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    monkeypatch.setenv("PATH", "/nowhere")
    assert sandboxes.daemon().state == "absent"
    assert [row.state for row in sandboxes.image_rows()] == ["absent"]
    assert (await sandboxes.provider("docker")).state == "absent"
    assert (await sandboxes.provider("bubblewrap")).state == "absent"
    chosen = await bounded("sandbox", sandboxes.chosen(), 30)
    assert (chosen.state, "start Docker" in chosen.found) == ("failed", True)
    chromium = await sandboxes.chromium()
    assert (chromium.state, chromium.advice) == ("absent", "ossia sandbox build browser")
    assert "neither docker nor podman is installed" in chromium.found


def smi(folder: Path, lines: str, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{lines}\nEND\nexit {code}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("line", "memory", "memory_state", "kernels"),
    [
        (
            "NVIDIA H100 80GB HBM3, 81559, 81000, 9.0, 570.1",
            "holds gpt-oss-120b",
            "ok",
            "attention by FlashAttention 3",
        ),
        ("NVIDIA B200, 183359, 183000, 10.0, 570.1", "holds gpt-oss-120b", "ok", "FlashInfer TRTLLM (bf16"),
        ("NVIDIA GeForce RTX 5090, 32607, 32000, 12.0, 570.1", "holds gpt-oss-20b", "ok", "experts by Marlin"),
        ("NVIDIA GeForce RTX 4080, 16376, 16000, 8.9, 550.2", "holds gpt-oss-20b", "ok", "attention by Triton"),
        ("Tesla T4, 15360, 15000, 7.5, 550.2", "holds gpt-oss-20b", "ok", "experts by Marlin, attention by Triton"),
        ("Tesla V100-SXM2-16GB, 16384, 16000, 7.0, 550.2", "holds gpt-oss-20b", "ok", "vLLM has no MXFP4 kernel"),
        ("NVIDIA GeForce RTX 3080, 10240, 10000, 8.6, 550.2", "too small for any gpt-oss", "wrong", "Marlin"),
        ("NVIDIA H100 80GB HBM3, 81559, 20000, 9.0, 570.1", "60.1 GiB are in use", "wrong", "Triton (OpenAI's"),
    ],
)
async def test_gpus_are_held_against_the_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, memory: str, memory_state: str, kernels: str
) -> None:
    smi(tmp_path, line, monkeypatch)
    rows = await gpu.gpus(10)
    assert [row.what for row in rows] == ["gpu 0", "gpu 0 kernels"]
    assert (memory in rows[0].found, rows[0].state) == (True, memory_state), rows[0]
    assert kernels in rows[1].found
    assert bool(rows[0].advice) == (memory_state == "wrong")


async def test_a_driver_that_is_missing_broken_or_says_too_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi(tmp_path, "NVIDIA H100 80GB HBM3, [N/A], [N/A], 9.0, 570.1", monkeypatch)
    assert [(row.what, row.state) for row in await gpu.gpus(10)] == [("gpu 0", "wrong")]
    smi(tmp_path, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", monkeypatch, code=9)
    assert [(row.what, row.state) for row in await gpu.gpus(10)] == [("gpu", "failed")]
    monkeypatch.setenv("PATH", "/nowhere")
    assert [(row.what, row.state) for row in await gpu.gpus(10)] == [("gpu", "absent")]


def test_two_harmony_packages_at_once_are_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [row.state for row in machine.packages()] == ["ok"]
    info = tmp_path / "openai_harmony-0.0.8.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: openai-harmony\nVersion: 0.0.8\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    versions, conflict = machine.packages()
    assert "oss-harmony" in versions.found
    assert (conflict.what, conflict.state) == ("harmony package", "wrong")
    assert conflict.advice.startswith("pip uninstall -y openai-harmony")


async def test_the_vocabulary_is_read_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await machine.vocabulary(60)).state == "ok"
    (tmp_path / "openai_harmony.py").write_text("raise RuntimeError('the vocabulary could not be downloaded')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    finding = await machine.vocabulary(60)
    assert (finding.state, finding.found) == ("failed", "RuntimeError: the vocabulary could not be downloaded")


async def test_a_program_that_hangs_is_ended() -> None:
    code, out = await machine.output_of([sys.executable, "-c", "import time; time.sleep(60)"], 0.2)
    assert (code, out) == (None, "no answer within 0.2 s")


def test_journals_that_can_not_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSSIA_RUNS", "/dev/full/runs")
    finding = machine.journals()
    assert (finding.state, "OSSIA_RUNS" in finding.advice) == ("failed", True)
