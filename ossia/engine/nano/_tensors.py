"""Reading and writing safetensors files of bfloat16 and float32 tensors on NumPy alone.

NumPy has no bfloat16, and the `safetensors` package refuses such tensors for it. A bfloat16 is the upper half of a
float32, so widening is a shift. Format: https://github.com/huggingface/safetensors#format
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, TypeAdapter, ValidationError

from ossia.errors import EngineError

Floats: TypeAlias = NDArray[np.float32]
Bits: TypeAlias = NDArray[np.uint16]
"""The bits of bfloat16 numbers."""
Pieces: TypeAlias = Iterable[Bits] | Iterable[NDArray[np.uint8]]
"""What is written of a tensor, one behind the other."""


class Stored(NamedTuple):
    """A tensor to be written."""

    shape: tuple[int, ...]
    pieces: Pieces
    dtype: Literal["BF16", "U8"] = "BF16"


class _Entry(BaseModel):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


_Metadata = TypeAdapter(dict[str, str])


def to_bfloat16(values: Floats) -> Bits:
    """Round to the nearest bfloat16, ties to even, as torch does; finite values only. Any shape."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    return ((bits + np.uint32(0x7FFF) + odd) >> np.uint32(16)).astype(np.uint16)


def from_bfloat16(bits: Bits) -> Floats:
    """Widen without loss. Any shape."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def read_tensors(path: Path) -> tuple[dict[str, Floats], dict[str, str]]:
    """Every tensor of a safetensors file as float32, and its metadata.

    Raises `EngineError` when the file is missing, damaged, or holds other types than bfloat16, float16, float32 and
    bytes.
    """
    try:
        data = memoryview(path.read_bytes())
        start = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(bytes(data[8:start]))
        metadata = _Metadata.validate_python(header.pop("__metadata__", {}))
        tensors = {name: _widen(_Entry.model_validate(entry), data[start:]) for name, entry in header.items()}
    except OSError as error:
        raise EngineError(f"the model's weights cannot be read: {error}") from error
    except (ValueError, KeyError, AttributeError, ValidationError) as error:
        raise EngineError(f"{path} is not a whole safetensors file: {error}") from error
    return tensors, metadata


def _widen(entry: _Entry, data: memoryview) -> Floats:
    start, end = entry.data_offsets
    raw = data[start:end]
    if entry.dtype == "BF16":
        values = from_bfloat16(np.frombuffer(raw, dtype="<u2"))
    else:
        values = np.frombuffer(raw, dtype={"F16": "<f2", "F32": "<f4", "U8": "u1"}[entry.dtype]).astype(np.float32)
    return values.reshape(entry.shape)


def write_tensors(file: BinaryIO, tensors: Mapping[str, Stored], metadata: Mapping[str, str]) -> None:
    """Write tensors, the bits of each in pieces, so that a large one need not stand in memory whole."""
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, (shape, _, dtype) in tensors.items():
        end = offset + (2 if dtype == "BF16" else 1) * int(np.prod(shape))
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for stored in tensors.values():
        for piece in stored.pieces:
            file.write(np.ascontiguousarray(piece, dtype="<u2" if stored.dtype == "BF16" else "u1").tobytes())
