"""Opening an engine by its spec."""

import difflib

from ossia.engine.nano import NanoEngine
from ossia.engine.protocol import Engine, Progress
from ossia.errors import UserError

_LATER = {
    "vllm": "vLLM in this process",
    "http": "servers that speak token ids",
    "https": "servers that speak token ids",
    "hf": "transformers in this process",
    "replay": "replaying a run",
}


async def open_engine(spec: str | Engine, *, progress: Progress | None = None) -> Engine:
    """Open the engine that `spec` names; one that is opened already is returned as it is.

    `nano`: the embedded test model. Raises `UserError` when the spec names no engine of this version, `EngineError`
    when the engine cannot be started. Close it with `aclose()`.
    """
    if not isinstance(spec, str):
        return spec
    name = spec.strip()
    if name == "nano":
        return await NanoEngine.open(progress)
    kind = name.partition(":")[0].lower()
    if kind in _LATER and ":" in name:
        raise UserError(f"{name}: {_LATER[kind]} is not in this version of ossia yet; the engine it has is nano")
    raise UserError(f"there is no engine {name!r}: {_suggestion(kind)}the engine of this version of ossia is nano")


def _suggestion(kind: str) -> str:
    near = difflib.get_close_matches(kind, ["nano", *_LATER], n=1)
    return f"did you mean {near[0]!r}? " if near else ""
