"""The vocabulary table of nano as a file: made once on a machine, then mapped into memory.

The wheel stays small because the table (100 MB) is expanded from its seed. It lies transposed, [hidden, V], so that the
logits are one pass over memory, and processes that run nano share its pages.
"""

import hashlib
import os
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np

from ossia.engine.nano import table
from ossia.engine.nano._tensors import Floats
from ossia.engine.protocol import Progress
from ossia.errors import EngineError

_LEFTOVER_SECONDS = 3600


def cache_directory() -> Path:
    """Where ossia keeps what it can make again: $OSSIA_CACHE, else $XDG_CACHE_HOME/ossia, else ~/.cache/ossia."""
    if own := os.environ.get("OSSIA_CACHE"):
        return Path(own)
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "ossia"
    return Path("~/.cache/ossia").expanduser()


def open_table(hidden: int, seed: str, progress: Progress | None = None) -> Floats:
    """The table, shape [hidden, V], read-only, made first where no whole one is found.

    Raises `EngineError` when it cannot be written.
    """
    directory, stem = cache_directory(), _stem(hidden, seed)
    try:
        for path in directory.glob(f"{stem}-*.f32"):
            if _is_whole(path, hidden):
                return _map(path, hidden)
            path.unlink(missing_ok=True)
        return _map(_write(directory, stem, _build(hidden, seed, progress)), hidden)
    except OSError as error:
        megabytes = 4 * hidden * table.VOCABULARY // 1_000_000 + 1
        raise EngineError(
            f"the vocabulary table of nano cannot be kept in {directory} ({error.strerror or error}): make room for "
            f"{megabytes} MB there, or set OSSIA_CACHE to a directory that can be written"
        ) from error


def _stem(hidden: int, seed: str) -> str:
    """Names the table's content: another seed, width or way of making it gets another file."""
    source = Path(table.__file__).read_bytes()
    digest = hashlib.sha256(f"{hidden}\0{seed}\0".encode() + source).hexdigest()[:12]
    return f"nano-vocabulary-{digest}"


def _is_whole(path: Path, hidden: int) -> bool:
    if path.stat().st_size != 4 * hidden * table.VOCABULARY:
        return False
    return path.stem.rpartition("-")[2] == _checksum(_map(path, hidden))


def _map(path: Path, hidden: int) -> Floats:
    return np.memmap(path, dtype=np.float32, mode="r", shape=(hidden, table.VOCABULARY)).view(np.ndarray)


def _checksum(values: Floats) -> str:
    return f"{zlib.crc32(values.data):08x}"


def _build(hidden: int, seed: str, progress: Progress | None) -> Floats:
    whole = np.empty((hidden, table.VOCABULARY), dtype=np.float32)
    start = 0
    for block in table.blocks(hidden, seed):
        whole[:, start : start + len(block)] = block.T
        start += len(block)
        if progress:
            progress("making nano's vocabulary table", start / table.VOCABULARY)
    return whole


def _write(directory: Path, stem: str, values: Floats) -> Path:
    """Write beside the final name and rename, so that no process ever finds half a table."""
    directory.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(directory, stem)
    final = directory / f"{stem}-{_checksum(values)}.f32"
    with tempfile.NamedTemporaryFile(dir=directory, prefix=f"{stem}-", suffix=".tmp", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(values.data)
            file.flush()
            temporary.chmod(0o644)
            temporary.replace(final)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return final


def _remove_leftovers(directory: Path, stem: str) -> None:
    """Remove what a process left that was killed while it wrote."""
    for path in directory.glob(f"{stem}-*.tmp"):
        if path.stat().st_mtime < time.time() - _LEFTOVER_SECONDS:
            path.unlink(missing_ok=True)
