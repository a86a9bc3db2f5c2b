"""The GPUs that the driver shows: their memory against the models, and the kernels that vLLM takes on them."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from ossia.cli._doctor.finding import Finding
from ossia.cli._doctor.machine import output_of

_QUERY = "name,memory.total,memory.free,compute_cap,driver_version"
_MB = 1_000_000
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Need:
    """What a checkpoint asks for. gpt-oss model card (OpenAI, 2025): sizes in table 1, memory in the introduction."""

    model: str
    memory: int
    """Bytes of GPU memory that it is published to fit in."""
    weights: float
    """GiB of the checkpoint, experts in MXFP4."""


MODELS = (Need("gpt-oss-20b", 16_000 * _MB, 12.8), Need("gpt-oss-120b", 80_000 * _MB, 60.8))


@dataclass(frozen=True, slots=True)
class Gpu:
    """One line of nvidia-smi."""

    name: str
    memory: int
    """Bytes in all."""
    free: int
    """Bytes that nobody uses."""
    capability: tuple[int, int]
    driver: str


@dataclass(frozen=True, slots=True)
class Kernels:
    """What vLLM 0.32 takes by default for gpt-oss in MXFP4."""

    experts: str
    attention: str


def kernels(capability: tuple[int, int]) -> Kernels | None:
    """By compute capability; None where vLLM has no kernel.

    After vLLM 0.32: the order of backends in `fused_moe/oracle/mxfp4.py`, each with the devices that its experts class
    says it supports; attention backends that support sinks (FlashAttention from version 3, FlashInfer's TRTLLM kernels,
    Triton). Read in its sources and not run here; the server's log has "Using '...' Mxfp4 MoE backend".
    """
    major = capability[0]
    if major == 10:
        return Kernels("FlashInfer TRTLLM (bf16 activations)", "FlashInfer TRTLLM")
    if major == 12:
        return Kernels("Marlin", "FlashInfer where its kernels take sinks, else Triton")
    if major == 9:
        return Kernels("Triton (OpenAI's kernels)", "FlashAttention 3")
    if major == 11:
        return Kernels("Triton (OpenAI's kernels)", "Triton")
    if capability >= (7, 5) and major < 9:
        return Kernels("Marlin", "Triton")
    return None


async def gpus(seconds: float) -> list[Finding]:
    """A row for each GPU, or one that says that there is none. Raises `InfrastructureError` where it can't be asked."""
    if not shutil.which("nvidia-smi"):
        advice = "Without one: llama.cpp's server on the CPU, or a server elsewhere by its URL."
        return [Finding("gpu", "absent", "no NVIDIA driver here (there is no nvidia-smi)", advice)]
    command = ["nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    code, out = await output_of(command, seconds)
    if code != 0:
        return [Finding("gpu", "failed", f"nvidia-smi: {out.strip()[:200]}", "Mend the driver.")]
    return [row for number, line in enumerate(out.splitlines()) if line.strip() for row in _rows(number, line)]


def _rows(number: int, line: str) -> Iterator[Finding]:
    what = f"gpu {number}"
    gpu = _parse(line)
    if gpu is None:
        yield Finding(what, "wrong", f"nvidia-smi says {line.strip()!r}", "Sizes are missing: is it partitioned (MIG)?")
        return
    yield _memory(what, gpu)
    found = kernels(gpu.capability)
    named = "{}.{}".format(*gpu.capability)
    if found is None:
        advice = "Use llama.cpp, or a card of compute capability 7.5 or newer."
        yield Finding(f"{what} kernels", "wrong", f"vLLM has no MXFP4 kernel for compute capability {named}", advice)
    else:
        text = f"compute capability {named}: experts by {found.experts}, attention by {found.attention} (vLLM 0.32)"
        yield Finding(f"{what} kernels", "ok", text)


def _memory(what: str, gpu: Gpu) -> Finding:
    fits = [need for need in MODELS if gpu.memory >= need.memory]
    size = f"{gpu.name}, {gpu.memory / _MIB / 1024:.1f} GiB, driver {gpu.driver}"
    if not fits:
        advice = "gpt-oss-20b wants 16 GB: use llama.cpp with some layers on the CPU."
        return Finding(what, "wrong", f"{size}: too small for any gpt-oss", advice)
    largest = fits[-1]
    left = gpu.memory / _MIB / 1024 - largest.weights
    found = f"{size}: holds {largest.model} ({largest.weights} GiB of weights, {left:.1f} GiB for all else)"
    if gpu.free < largest.weights * 1024 * _MIB:
        used = (gpu.memory - gpu.free) / _MIB / 1024
        return Finding(what, "wrong", f"{found}, but {used:.1f} GiB are in use", "See nvidia-smi for who uses it.")
    return Finding(what, "ok", found)


def _parse(line: str) -> Gpu | None:
    try:
        name, total, free, capability, driver = (field.strip() for field in line.split(","))
        major, _, minor = capability.partition(".")
        return Gpu(name, int(total) * _MIB, int(free) * _MIB, (int(major), int(minor)), driver)
    except ValueError:
        return None
