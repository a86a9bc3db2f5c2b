"""Opening an engine by its spec."""

import difflib
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import TypeAlias

from ossia.engine.protocol import Engine, Progress
from ossia.errors import UserError
from ossia.types import JsonValue

Opener: TypeAlias = Callable[[str, Mapping[str, JsonValue], Progress | None], Awaitable[Engine]]
"""Opens the engine that a spec names, with the options of its kind, and refuses those that it does not know."""

_OPENERS = {
    "nano": "ossia.engine.nano:open_nano",
}
"""Kind of engine -> module:function; a module is imported when an engine of its kind is asked for."""

_LATER = {
    "vllm": "vLLM in this process",
    "http": "servers that speak token ids",
    "https": "servers that speak token ids",
    "hf": "transformers in this process",
    "replay": "replaying a run",
}


async def open_engine(
    spec: str | Engine, *, options: Mapping[str, JsonValue] | None = None, progress: Progress | None = None
) -> Engine:
    """Open the engine that `spec` names; one that is opened already is returned as it is.

    `nano`: the embedded test model. `options` are those of the kind of engine. Raises `UserError` when the spec names
    no engine of this version or an option is unknown, `EngineError` when the engine cannot be started. Close it with
    `aclose()`.
    """
    if not isinstance(spec, str):
        if options:
            raise UserError("options are for an engine that is opened by its spec; this one is open already")
        return spec
    name = spec.strip()
    kind = name.partition(":")[0].lower()
    if kind in _OPENERS:
        module, _, function = _OPENERS[kind].partition(":")
        opener: Opener = getattr(import_module(module), function)
        return await opener(name, options or {}, progress)
    if kind in _LATER and ":" in name:
        raise UserError(f"{name}: {_LATER[kind]} is not in this version of ossia yet; the engine it has is nano")
    raise UserError(f"there is no engine {name!r}: {_suggestion(kind)}the engine of this version of ossia is nano")


def _suggestion(kind: str) -> str:
    near = difflib.get_close_matches(kind, ["nano", *_LATER], n=1)
    return f"did you mean {near[0]!r}? " if near else ""
