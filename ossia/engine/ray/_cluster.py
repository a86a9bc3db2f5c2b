"""What is asked of Ray: a cluster, actors in it, and their answers."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence

from ossia.engine.protocol import EngineInfo, Progress, Sampling
from ossia.engine.ray._host import Answer, Failure, Host
from ossia.engine.ray._spec import Plan
from ossia.errors import EngineError, UserError
from ossia.types import Grammar, JsonValue

try:
    import ray
    from ray.exceptions import RayError
except ImportError as missing:
    raise UserError("The engine ray needs Ray: pip install 'ossia[ray]'.") from missing

_CONCURRENT = 1000
"""Calls of one actor that may be under way at once."""
_OBJECTS = 128 << 20
"""Bytes for objects in a cluster that is started here; token ids are small."""
_LEAVE = 10.0
"""Seconds that the engines have to close."""


class Lost(Exception):
    """An actor is gone."""


class Cluster:
    """The actors, by number."""

    def __init__(self, actors: "list[ray.actor.ActorHandle]", *, ours: bool) -> None:
        self._actors = actors
        self._ours = ours

    async def open_engines(self, spec: str, options: Mapping[str, JsonValue]) -> list[EngineInfo]:
        """Open an engine in each, at once. Raises `UserError` or `EngineError` with what the first one said."""
        try:
            answers = await asyncio.gather(*(actor.open.remote(spec, dict(options)) for actor in self._actors))
        except RayError as error:
            raise EngineError(f"an actor could not be started: {_sentence(error)}") from error
        infos = []
        for answer in answers:
            if isinstance(answer, Failure):
                raise answer.error()
            infos.append(answer)
        return infos

    async def generate(
        self,
        number: int,
        request: str,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        key: str,
        priority: int,
        grammar: Grammar | None,
    ) -> AsyncIterator[Answer]:
        """What an actor streams. Raises `Lost`."""
        actor = self._actors[number]
        stream = actor.generate.options(num_returns="streaming").remote(
            request, list(prompt), sampling, key=key, priority=priority, grammar=grammar
        )
        try:
            async for reference in stream:
                yield await reference
        except RayError as error:
            raise Lost(_sentence(error)) from error

    async def abort(self, number: int, request: str) -> None:
        """Raises `Lost`."""
        try:
            await self._actors[number].abort.remote(request)
        except RayError as error:
            raise Lost(_sentence(error)) from error

    async def active(self) -> list[int]:
        """Completions under way, of each actor that lives."""
        counts = await asyncio.gather(*(actor.active.remote() for actor in self._actors), return_exceptions=True)
        return [count for count in counts if isinstance(count, int)]

    async def aclose(self) -> None:
        closing = [asyncio.wrap_future(actor.close.remote().future()) for actor in self._actors]
        if closing:
            done, late = await asyncio.wait(closing, timeout=_LEAVE)
            for future in done:
                future.exception()  # of an actor that is gone already
            for future in late:
                future.cancel()
        for actor in self._actors:
            ray.kill(actor)
        self._actors = []
        if self._ours:
            self._ours = False
            await asyncio.to_thread(ray.shutdown)


async def open_cluster(plan: Plan, progress: Progress | None) -> Cluster:
    """Connect to Ray or start it here, and make the actors. A connection of the caller is used, and kept."""
    if progress:
        progress(f"starting {plan.count} actors of {plan.inner}", 0.0)
    ours = not ray.is_initialized()
    if ours:
        await asyncio.to_thread(_connect, plan)
    kind = ray.remote(Host).options(num_cpus=plan.cpus, num_gpus=plan.gpus, max_concurrency=_CONCURRENT)
    return Cluster([kind.remote() for _ in range(plan.count)], ours=ours)


def _connect(plan: Plan) -> None:
    quiet = {"log_to_driver": False, "configure_logging": False}
    try:
        try:
            ray.init(address=plan.address or "auto", **quiet)
        except ConnectionError:
            if plan.address is not None:
                raise
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster of ours reports to nobody
            # Cores are counted so that the actors fit, however few the machine has.
            cores = max(1, round(plan.count * plan.cpus))
            ray.init(address="local", num_cpus=cores, object_store_memory=_OBJECTS, include_dashboard=False, **quiet)
    except (ConnectionError, RayError, ValueError, RuntimeError) as error:
        raise EngineError(f"Ray can't be reached at {plan.address or 'this machine'}: {_sentence(error)}") from error


def _sentence(error: Exception) -> str:
    """The first line of what Ray says, which may go on for pages."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
