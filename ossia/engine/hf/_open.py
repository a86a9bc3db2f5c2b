"""Opening a transformers engine by its spec."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ossia.engine.hf._options import HfOptions
from ossia.engine.protocol import Progress
from ossia.errors import UserError
from ossia.types import JsonValue

if TYPE_CHECKING:
    from ossia.engine.hf._engine import HfEngine


async def open_hf(spec: str, options: Mapping[str, JsonValue], progress: Progress | None) -> "HfEngine":
    """The opener of `hf:PATH-OR-ID`.

    Raises `UserError` when torch or transformers are missing, an option is wrong, there is no such model, it is none of
    gpt-oss, or the device does not exist or is too small; `EngineError` when the model can't be loaded.
    """
    target = spec.partition(":")[2].strip()
    if not target:
        raise UserError("the spec 'hf:' names no model: give a directory or an id, such as hf:openai/gpt-oss-20b")
    settings = HfOptions.read(options)
    return await asyncio.to_thread(_open, target, settings, progress or (lambda _what, _share: None))


def _open(target: str, options: HfOptions, progress: Progress) -> "HfEngine":
    try:
        # Importing torch takes seconds, so that this runs in a thread.
        from ossia.engine.hf._engine import HfEngine
        from ossia.engine.hf._load import load
    except ImportError as error:
        raise UserError(
            f"hf:{target} needs torch and transformers, which can't be imported ({error}): pip install 'ossia[local]'"
        ) from error
    return HfEngine(load(target, options, progress), options)
