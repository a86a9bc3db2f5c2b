"""An engine that runs on servers: which one, what to send, and what to do when one fails."""

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from ossia.engine.checks import check_request
from ossia.engine.http._client import Client
from ossia.engine.http._completion import Completion
from ossia.engine.http._faults import Lost
from ossia.engine.http._probe import VOCABULARY, WIRES, Found, probe
from ossia.engine.http._route import Replica, Router, affinity
from ossia.engine.http._spec import Target, read_target
from ossia.engine.protocol import Capabilities, Chunk, EngineInfo, Progress, Sampling
from ossia.errors import EngineError, UserError
from ossia.types import Grammar, JsonValue

FIRST_PAUSE = 0.25
"""Seconds before the same server is asked again; twice as long after each further failure, less up to a half by chance,
so that those who failed together do not come back together."""
LONGEST_PAUSE = 8.0
LONGEST_WAIT = 30.0
"""Seconds that a server may ask for with Retry-After."""


class HttpEngine:
    """Runs completions on servers of token ids. Open it with `open_engine("http://host:8000/v1")`.

    It serves the event loop that it was opened in.
    """

    def __init__(self, target: Target, client: Client, router: Router, info: EngineInfo) -> None:
        self._target = target
        self._client = client
        self._router = router
        self._info = info
        self._loop = asyncio.get_running_loop()
        self._closed = False

    @property
    def info(self) -> EngineInfo:
        return self._info

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        key: str,
        priority: int = 0,
        grammar: Grammar | None = None,
    ) -> AsyncGenerator[Chunk, None]:
        """See `ossia.engine.Engine.generate`. Token ids that arrive together come as one chunk.

        A completion whose server is lost goes on elsewhere, or on the same server after a pause, from the ids that were
        sampled.
        """
        if asyncio.get_running_loop() is not self._loop:
            raise UserError("an engine of servers serves the event loop that it was opened in: open another one here")
        limit = check_request(self._info, VOCABULARY, prompt, sampling, grammar)
        completion = Completion(prompt, sampling, limit, priority, _tag(grammar), affinity(key))
        failures = 0
        avoid: Replica | None = None
        while True:
            replica = self._router.choose(key, avoid)
            try:
                found = await self._found(replica)
                request = self._client.complete(replica.base, found.wire, completion.ask(found))
                async with aclosing(request) as answer:
                    async for arrived in answer:
                        yield completion.take(arrived)
                        if completion.told_finish:
                            break
                replica.worked()
                avoid = None
            except Lost as fault:
                failures += 1
                replica.failed()
                avoid = replica
                if not completion.over:
                    await self._recover(fault, replica, completion, failures)
            if completion.over:
                if not completion.told_finish:
                    yield completion.ending()
                return

    async def aclose(self) -> None:
        """Close the connections. Completions under way end with `EngineError`."""
        self._closed = True
        await self._client.close()

    async def _found(self, replica: Replica) -> Found:
        if self._closed:
            raise EngineError(f"the engine {self._info.spec} was closed")
        if replica.found is None:
            try:
                replica.found = await _checked(self._client, replica.base, self._target, self._info.model)
            except UserError as error:
                # It was not there when the engine was opened, and is not what the engine was opened for.
                raise Lost(str(error)) from error
        return replica.found

    async def _recover(self, fault: Lost, replica: Replica, completion: Completion, failures: int) -> None:
        """Return when the completion may be sent again; raises `EngineError` when it may not."""
        so_far = f"after {len(completion.sampled)} token ids" if completion.sampled else "before the first token id"
        if self._closed:
            raise EngineError(f"the engine {self._info.spec} was closed {so_far}") from fault
        elsewhere = self._router.others_well(replica)
        if failures > self._target.retries or (fault.only_elsewhere and not elsewhere):
            times = f", failed {failures} times" if failures > 1 else ""
            raise EngineError(f"{fault} ({so_far}{times}): look at the server, then run again") from fault
        if completion.structural_tag is not None and completion.sampled:
            raise EngineError(f"{fault} ({so_far}; a grammar cannot be entered in its middle)") from fault
        if not elsewhere:
            await _pause(fault, failures)


def _tag(grammar: Grammar | None) -> str | None:
    if grammar is None:
        return None
    if grammar.structural_tag is None:
        raise UserError("the grammar has no structural tag, which is the form that servers take: give one")
    return grammar.structural_tag


async def _pause(fault: Lost, failures: int) -> None:
    pause = min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE) * random.uniform(0.5, 1.0)
    await asyncio.sleep(max(pause, min(fault.wait or 0.0, LONGEST_WAIT)))


async def _checked(client: Client, base: str, target: Target, model: str) -> Found:
    """Probe a server that is to serve the same model as the others."""
    found = await probe(client, base, target)
    if found.model != model:
        raise UserError(f"{base} serves {found.model!r} and the other servers {model!r}: give servers of one model")
    return found


async def open_http(spec: str, options: Mapping[str, JsonValue], progress: Progress | None) -> HttpEngine:
    """The opener of `http://...` and `https://...`: one base URL or several, separated by commas.

    Options: `urls` (more base URLs), `model`, `wire`, `api_key_env`, `max_context`, `retries`, `timeout`. Raises
    `UserError` when a server cannot be used as it is, `EngineError` when none answers.
    """
    target = read_target(spec, options, [wire.name for wire in WIRES])
    if progress:
        progress(f"asking {', '.join(target.urls)}", 0.0)
    client = Client(target)
    try:
        router = Router(target.urls)
        info = await _find_all(client, target, router.replicas)
    except BaseException:
        await client.close()
        raise
    if progress:
        progress(f"asking {', '.join(target.urls)}", 1.0)
    return HttpEngine(target, client, router, info)


async def _first_probe(client: Client, base: str, target: Target) -> Found:
    """Probe a server, with patience for one that is still loading."""
    failures = 0
    while True:
        try:
            return await probe(client, base, target)
        except Lost as fault:
            failures += 1
            if not fault.busy or failures > target.retries:
                raise
            await _pause(fault, failures)


async def _find_all(client: Client, target: Target, replicas: Sequence[Replica]) -> EngineInfo:
    """Probe every server. One that does not answer is left for later, as long as another does."""
    results = await asyncio.gather(*(_first_probe(client, r.base, target) for r in replicas), return_exceptions=True)
    lost: list[Lost] = []
    for replica, result in zip(replicas, results, strict=True):
        if isinstance(result, Found):
            replica.found = result
        elif isinstance(result, Lost):
            replica.failed()
            lost.append(result)
        else:
            raise result
    founds = [replica.found for replica in replicas if replica.found]
    if not founds:
        reasons = "; ".join(map(str, lost))
        what = "wait until it has loaded" if all(fault.busy for fault in lost) else "start the server, or mend the URL"
        raise EngineError(f"{reasons}: {what}")
    for replica in replicas:
        if replica.found and replica.found.model != founds[0].model:
            raise UserError(
                f"{replica.base} serves {replica.found.model!r} and another server {founds[0].model!r}: give servers "
                "of one model, or choose one with the option model"
            )
    return EngineInfo(
        spec=target.spec,
        model=founds[0].model,
        max_context=min(found.max_context for found in founds),
        capabilities=_common([found.capabilities for found in founds]),
    )


def _common(capabilities: Sequence[Capabilities]) -> Capabilities:
    return Capabilities(
        seed=all(c.seed for c in capabilities),
        logprobs=all(c.logprobs for c in capabilities),
        grammar=all(c.grammar for c in capabilities),
        prefix_cache=all(c.prefix_cache for c in capabilities),
    )
