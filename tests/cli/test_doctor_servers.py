"""`ossia doctor` of real servers: llama.cpp as docs/serving.md starts it, vLLM with and without its default."""

import shlex
from pathlib import Path

import pytest

from ossia.cli._doctor import Finding, State
from ossia.cli._doctor.engine import PROBES, examine_spec
from ossia.engine import export_checkpoint
from tests.engine.http.real import LLAMA, VLLM_PYTHON, RealServer, convert_to_gguf, running, vllm_server

ROOT = Path(__file__).parents[2]
NO_LLAMA = pytest.mark.skipif(not (LLAMA / "bin" / "llama-server").exists(), reason="scripts/llama_server.sh builds it")


async def findings(server: RealServer) -> dict[str, Finding]:
    server.wait(300)
    found = {finding.what: finding async for finding in examine_spec(server.url, 120.0)}
    assert list(found)[1:] == list(PROBES), found
    return found


def states(found: dict[str, Finding]) -> dict[str, State]:
    """The rows that are not well, but for effort, which nano does not heed."""
    return {what: row.state for what, row in found.items() if row.state != "ok" and what != "effort"}


def flags_of_the_page() -> list[str]:
    """Those of the recipe, without the model, and where it listens."""
    page = (ROOT / "docs" / "serving.md").read_text().splitlines()
    line = shlex.split(next(line for line in page if line.startswith("llama-server ")))
    pairs = list(zip(line[1::2], line[2::2], strict=True))
    return [word for pair in pairs if pair[0] not in ("--model", "--host", "--port") for word in pair]


@pytest.mark.slow
@NO_LLAMA
async def test_llama_cpp_as_the_page_starts_it(tmp_path: Path) -> None:
    export_checkpoint(tmp_path / "nano")
    convert_to_gguf(tmp_path / "nano", tmp_path / "nano.gguf")
    command: list[str | Path] = [LLAMA / "bin" / "llama-server", "--model", tmp_path / "nano.gguf", "--threads", "1"]
    with running([*command, *flags_of_the_page()], tmp_path / "log") as server:
        found = await findings(server)
    assert states(found) == {"logprobs": "absent", "grammar": "absent"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("doctor")
    export_checkpoint(directory / "nano")
    return directory / "nano"


@pytest.mark.vllm
async def test_vllm_with_its_default_does_not_keep_what_the_model_writes(checkpoint: Path, tmp_path: Path) -> None:
    assert VLLM_PYTHON.exists(), "run scripts/vllm_env.sh first"
    default = ["--prefix-cache-retention-interval", "0"]
    with (
        vllm_server(checkpoint, tmp_path / "stock.log", "--enable-scale-out", *default) as stock,
        vllm_server(checkpoint, tmp_path / "ours.log", "--enable-scale-out") as ours,
    ):
        assert states(await findings(ours)) == {}
        found = await findings(stock)
    assert states(found) == {"prefix cache": "wrong"}
    assert "--prefix-cache-retention-interval None" in found["prefix cache"].advice
