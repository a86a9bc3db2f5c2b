"""Traces of turns for OpenTelemetry, where the application has set a tracer provider; nothing otherwise."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from ossia.agent.events import Event
from ossia.engine.protocol import EngineInfo, Sampling

Feed: TypeAlias = Callable[[Event], None]


@contextmanager
def traced(info: EngineInfo, sampling: Sampling) -> Iterator[Feed | None]:
    """What to tell the events of one turn, in the task that runs it; None where nobody traces.

    Whatever span is open when the block is left is ended.
    """
    if not _configured():
        yield None
        return
    from ossia.agent._spans import TurnSpans

    spans = TurnSpans(info, sampling)
    try:
        yield spans.feed
    finally:
        spans.close()


def _configured() -> bool:
    """Whether the application has set a tracer provider. It has imported OpenTelemetry then, so that we need not."""
    if "opentelemetry.trace" not in sys.modules:
        return False
    from opentelemetry import trace

    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider | trace.NoOpTracerProvider)
