"""Experts in MXFP4, in the form in which gpt-oss is published.

A block of 32 numbers of four bits (E2M1: sign, two bits of exponent, one of mantissa) shares a scale, a power of two
(E8M0). Source: OCP Microscaling Formats (MX) 1.0, section 5; the packing is that of openai/gpt-oss-20b on the hub: the
blocks run along the inputs of a matrix, and of two numbers in a byte the first has the lower half.
"""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ossia.engine.nano._tensors import Floats

Bytes: TypeAlias = NDArray[np.uint8]

BLOCK = 32
_MAGNITUDES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], dtype=np.float32)
_VALUES = np.concatenate([_MAGNITUDES, -_MAGNITUDES])
_BIAS = 127
_EXPERTS = ("gate_up_proj", "down_proj")


def pack(weights: Floats) -> tuple[Bytes, Bytes]:
    """[..., n] -> blocks [..., n / 32, 16] and scales [..., n / 32]; n is a multiple of 32.

    Of the scale that the standard proposes and the one above it, each block takes that with the smaller square error:
    the former cuts what is larger than six times it.
    """
    blocks = weights.reshape(*weights.shape[:-1], -1, BLOCK)
    largest = np.abs(blocks).max(-1)
    exponents = np.floor(np.log2(np.maximum(largest, np.float32(1e-30)))).astype(np.int32) - 2
    low, high = _nearest(blocks, exponents), _nearest(blocks, exponents + 1)
    better = _error(blocks, high, exponents + 1) < _error(blocks, low, exponents)
    codes = np.where(better[..., None], high, low)
    packed = codes[..., ::2] | codes[..., 1::2] << 4
    return packed.astype(np.uint8), (exponents + better + _BIAS).clip(0, 254).astype(np.uint8)


def unpack(blocks: Bytes, scales: Bytes) -> Floats:
    """The numbers that `pack` stored, [..., n]."""
    codes = np.stack((blocks & 15, blocks >> 4), -1).reshape(*blocks.shape[:-1], BLOCK)
    values: Floats = np.ldexp(_VALUES[codes], scales.astype(np.int32)[..., None] - _BIAS)
    return values.reshape(*values.shape[:-2], -1)


def pack_experts(tensors: Mapping[str, Floats]) -> dict[str, Floats | Bytes]:
    """Tensors of a checkpoint, those of its experts [E, in, out] as `_blocks` and `_scales` [E, out, in / 32]."""
    out: dict[str, Floats | Bytes] = {}
    for name, tensor in tensors.items():
        if name.endswith(_EXPERTS):
            out[f"{name}_blocks"], out[f"{name}_scales"] = pack(tensor.swapaxes(-1, -2))
        else:
            out[name] = tensor
    return out


def unpack_experts(tensors: Mapping[str, Floats | Bytes]) -> dict[str, Floats]:
    """The inverse of `pack_experts`; tensors that are not packed stay as they are."""
    out: dict[str, Floats] = {}
    for name, tensor in tensors.items():
        if name.endswith("_blocks"):
            scales = tensors[f"{name.removesuffix('_blocks')}_scales"]
            whole = unpack(tensor.astype(np.uint8), scales.astype(np.uint8))
            out[name.removesuffix("_blocks")] = np.ascontiguousarray(whole.swapaxes(-1, -2))
        elif not name.endswith("_scales"):
            out[name] = tensor.astype(np.float32)
    return out


def _nearest(blocks: Floats, exponents: NDArray[np.int32]) -> Bytes:
    scaled = np.ldexp(np.abs(blocks), -exponents[..., None])
    borders = (_MAGNITUDES[1:] + _MAGNITUDES[:-1]) / 2
    return (np.searchsorted(borders, scaled) + 8 * (blocks < 0)).astype(np.uint8)


def _error(blocks: Floats, codes: Bytes, exponents: NDArray[np.int32]) -> Floats:
    error: Floats = ((np.ldexp(_VALUES[codes], exponents[..., None]) - blocks) ** 2).sum(-1)
    return error
