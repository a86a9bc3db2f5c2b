"""How much memory there is, and how much a model wants."""

import os
from pathlib import Path

import torch

_MXFP4_EXPANDED = 3.6
"""What the weights of a checkpoint in MXFP4 (4.25 bits) take in bfloat16, for the share of them that is in MXFP4."""


def free_bytes(device: torch.device) -> int:
    """Memory that is free on a device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # no Linux: all of it is the best guess
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def weight_bytes(directory: Path, device: torch.device, dtype: torch.dtype, *, mxfp4: bool) -> int:
    """About what the weights take once they are loaded, from the size of their files.

    Published checkpoints hold two bytes a weight, or MXFP4, which transformers computes with on NVIDIA GPUs only and
    expands elsewhere.
    """
    size = sum(path.stat().st_size for path in directory.glob("*.safetensors"))
    if mxfp4:
        return size if device.type == "cuda" else int(size * _MXFP4_EXPANDED * dtype.itemsize / 2)
    return int(size * dtype.itemsize / 2)
