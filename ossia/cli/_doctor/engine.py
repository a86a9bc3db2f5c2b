"""The probes of an engine, one after another, each bounded in time."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from ossia.cli._doctor import cache, output, safety, tokens
from ossia.cli._doctor.finding import Finding, bounded
from ossia.cli._doctor.prompts import question
from ossia.engine import Engine, Progress, Sampling, open_engine, sample

Probe = Callable[[Engine], Awaitable[Finding]]

PROBES: Mapping[str, Probe] = {
    "completion": output.completes,
    "token ids in": tokens.go_in,
    "token ids out": tokens.come_out,
    "stops at <|return|>": tokens.stops_at_return,
    "stops at <|call|>": tokens.stops_at_call,
    "cached tokens": cache.reports,
    "prefix cache": cache.keeps_generated,
    "effort": output.heeds_effort,
    "logprobs": output.gives_logprobs,
    "grammar": output.obeys_grammar,
    "abort": safety.aborts,
    "context": safety.refuses_too_long,
    "bad ids": safety.refuses_bad_ids,
}
"""What is probed, in the order of the table."""

OPENING = 15
"""An engine may take this many times as long to open as a probe may take: weights are read, kernels compiled."""


async def examine_spec(spec: str, seconds: float, progress: Progress | None = None) -> AsyncIterator[Finding]:
    """Open the engine of a spec, probe it, close it."""
    started = time.monotonic()
    opened: list[Engine] = []

    async def opening() -> Finding:
        opened.append(await open_engine(spec, progress=progress))
        return _introduce(opened[0], time.monotonic() - started)

    try:
        finding = await bounded(f"engine {spec}", opening(), seconds * OPENING)
        # Opening it refuses what the user wrote; a probe's `UserError` is the engine's fault.
        yield finding if opened or finding.state == "failed" else Finding(finding.what, "refused", finding.found)
        for engine in opened:
            async for row in examine_engine(engine, seconds):
                yield row
    finally:
        for engine in opened:
            await engine.aclose()


async def examine_engine(engine: Engine, seconds: float = 60.0) -> AsyncIterator[Finding]:
    """A row for each probe. Once the engine is lost the probes that are left are not made."""
    for what, probe in PROBES.items():
        finding = await bounded(what, probe(engine), seconds)
        yield finding
        if finding.state == "failed" and not await _lives(engine, seconds):
            yield Finding("engine", "failed", f"it does not answer since the probe {what!r}; the others were not made")
            return


def _introduce(engine: Engine, seconds: float) -> Finding:
    info = engine.info
    note = f" ({info.note})" if info.note else ""
    found = f"{info.model}, context {info.max_context:,}, opened in {seconds:.1f} s{note}"
    return Finding(f"engine {info.spec}", "ok", found)


async def _lives(engine: Engine, seconds: float) -> bool:
    """Whether it completes anything still."""

    async def answer() -> Finding:
        await sample(engine, question("Hello!"), Sampling(temperature=0.0, max_tokens=4), key="doctor")
        return Finding("", "ok", "")

    return (await bounded("", answer(), seconds)).state == "ok"
