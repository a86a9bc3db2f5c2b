"""Opening an engine by its spec."""

import difflib
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import TypeAlias

from ossia.engine.protocol import Engine, Progress
from ossia.errors import UserError
from ossia.types import JsonValue

Opener: TypeAlias = Callable[[str, Mapping[str, JsonValue], Progress | None], Awaitable[Engine]]
"""Opens the engine that a spec names, with the options of its kind, and refuses those that it does not know."""

_OPENERS = {
    "nano": "ossia.engine.nano:open_nano",
    "ray": "ossia.engine.ray:open_ray",
    "http": "ossia.engine.http:open_http",
    "https": "ossia.engine.http:open_http",
    "hf": "ossia.engine.hf:open_hf",
    "vllm": "ossia.engine.vllm:open_vllm",
}
"""Kind of engine -> module:function; a module is imported when an engine of its kind is asked for."""

_PLUGGED = "ossia.engines"
"""Entry points of this group announce openers of other kinds: of packages beside ossia, and of `replay`, which reads
journals and so stands on `ossia.agent`, of which no engine knows."""


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
    if opener := _opener(kind):
        return await opener(name, options or {}, progress)
    kinds = sorted({*_OPENERS, *(point.name for point in entry_points(group=_PLUGGED))})
    near = difflib.get_close_matches(kind, kinds, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UserError(f"there is no engine {name!r}: {hint}this version of ossia has {', '.join(kinds)}")


def _opener(kind: str) -> Opener | None:
    """The opener of a kind: one of the table, else one that an installed package announces."""
    if kind in _OPENERS:
        module, _, function = _OPENERS[kind].partition(":")
        found: Opener = getattr(import_module(module), function)
        return found
    for point in entry_points(group=_PLUGGED, name=kind):
        plugged: Opener = point.load()
        return plugged
    return None
