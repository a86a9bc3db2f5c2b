"""N engines of one spec in actors of Ray, as one engine."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from ossia.engine.checks import check_request
from ossia.engine.protocol import Chunk, EngineInfo, Progress, Sampling
from ossia.engine.ray._cluster import Cluster, Lost, open_cluster
from ossia.engine.ray._host import Failure
from ossia.engine.ray._route import Route
from ossia.engine.ray._spec import Plan, read_plan
from ossia.errors import EngineError
from ossia.types import Grammar, JsonValue

_VOCABULARY = 201_088


class RayEngine:
    """Sends each session to one of N engines. Open it with `open_engine("ray:N*SPEC")`.

    Where an actor dies in the middle of a completion, another one goes on from the token ids that are there, once a
    completion; the dead actor's sessions stay with the others.
    """

    def __init__(self, plan: Plan, cluster: Cluster, info: EngineInfo) -> None:
        self._cluster = cluster
        self._route = Route(plan.spec, plan.count)
        self._info = replace(info, spec=plan.spec, note=info.note)

    @property
    def info(self) -> EngineInfo:
        return self._info

    @property
    def alive(self) -> int:
        """Engines that were not lost."""
        return len(self._route.alive)

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        key: str,
        priority: int = 0,
        grammar: Grammar | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        """See `ossia.engine.Engine.generate`. What a seed gives is not kept where an actor dies in between."""
        limit = check_request(self._info, _VOCABULARY, prompt, sampling, grammar)
        done: list[int] = []
        for last in (False, True):
            number = self._route.choose(key)
            rest = replace(sampling, max_tokens=limit - len(done))
            try:
                async for chunk in self._attempt(number, [*prompt, *done], rest, key, priority, grammar):
                    done += chunk.token_ids
                    yield chunk
                    if chunk.finish is not None:
                        return
            except Lost as lost:
                self._route.lost(number, str(lost))
                # A grammar is followed from its start only, so a completion that has begun can't go on under it.
                if last or (grammar is not None and done):
                    raise EngineError(f"{self._info.spec}: engine {number} was lost: {lost}") from lost

    async def _attempt(
        self, number: int, prompt: Sequence[int], sampling: Sampling, key: str, priority: int, grammar: Grammar | None
    ) -> AsyncGenerator[Chunk, None]:
        """One completion of one actor; leaving it aborts it there. Raises `Lost` where the actor is gone."""
        request = secrets.token_hex(8)
        over = False
        try:
            async for answer in self._cluster.generate(
                number, request, prompt, sampling, key=key, priority=priority, grammar=grammar
            ):
                if isinstance(answer, Failure):
                    over = True
                    raise answer.error()
                over = answer.finish is not None
                yield answer
        finally:
            if not over:
                with suppress(Lost):
                    await asyncio.shield(self._cluster.abort(number, request))

    async def aclose(self) -> None:
        """Close every engine, end the actors, and the cluster where it was started here."""
        await self._cluster.aclose()


async def open_ray(spec: str, options: Mapping[str, JsonValue], progress: Progress | None) -> RayEngine:
    """The opener of `ray:N*SPEC`. Options: `address`, `cpus`, `gpus` (of each engine), `options` (of each engine).

    Raises `UserError` where Ray is not installed, or an engine refuses its spec or options; `EngineError` where the
    cluster or an engine can't be started.
    """
    plan = read_plan(spec, options)
    cluster = await open_cluster(plan, progress)
    try:
        infos = await cluster.open_engines(plan.inner, plan.options)
    except BaseException:
        await asyncio.shield(cluster.aclose())
        raise
    return RayEngine(plan, cluster, infos[0])
