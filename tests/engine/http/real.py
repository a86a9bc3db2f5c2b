"""Real servers as processes of their own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
VLLM_PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
LLAMA = ROOT / ".venv-llama"


@dataclass
class RealServer:
    """A server that runs until it is killed, and its log."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def kill(self) -> None:
        """End it and everything it started at once, as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait(self, seconds: float) -> None:
        """Return when it answers its health check."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            if self.healthy():
                return
            time.sleep(0.25)
        raise AssertionError(f"the server did not start:\n{self.log.read_text(errors='replace')[-4000:]}")

    def healthy(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2).close()
        except OSError:
            return False
        return True

    def metric(self, name: str) -> float:
        """A gauge or counter of the server, all of its labels together."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))


def post(url: str, body: object) -> bytes:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        data: bytes = answer.read()
    return data


@contextmanager
def running(command: Sequence[str | Path], log: Path, more: dict[str, str] | None = None) -> Iterator[RealServer]:
    """Start a server on a free port of 127.0.0.1, which is put at the end of its command; it may still be loading."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | (more or {}),
            start_new_session=True,
            cwd=log.parent,
        )
    server = RealServer(process, port, log)
    try:
        yield server
    finally:
        server.kill()


def vllm_server(checkpoint: Path, log: Path, *flags: str) -> contextlib.AbstractContextManager[RealServer]:
    """vLLM on the CPU, as docs/engines/http.md starts it. Its own command is broken in the wheel for CPUs."""
    command: list[str | Path] = [VLLM_PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", checkpoint]
    command += ["--served-model-name", "nano", "--dtype", "bfloat16", "--max-model-len", "16384", "--enforce-eager"]
    command += ["--max-num-seqs", "64", "--prefix-cache-retention-interval", "None", "--enable-prompt-tokens-details"]
    environment = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    return running([*command, *flags], log, environment)


def llama_server(gguf: Path, log: Path, *flags: str) -> contextlib.AbstractContextManager[RealServer]:
    """llama.cpp's server, as scripts/llama_server.sh builds it."""
    command: list[str | Path] = [LLAMA / "bin" / "llama-server", "--model", gguf, "--alias", "nano", "--threads", "1"]
    return running([*command, "--ctx-size", "32768", "--parallel", "4", *flags], log)


def convert_to_gguf(checkpoint: Path, gguf: Path) -> None:
    """llama.cpp's own conversion of a checkpoint."""
    scripts = LLAMA / "share" / "llama.cpp"
    subprocess.run(
        [ROOT / ".venv" / "bin" / "python", scripts / "convert_hf_to_gguf.py", checkpoint, "--outfile", gguf],
        env=os.environ | {"PYTHONPATH": str(scripts / "gguf-py")},
        check=True,
        capture_output=True,
        timeout=300,
    )
