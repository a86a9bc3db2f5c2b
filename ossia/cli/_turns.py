"""Running a turn from a terminal: shown while it goes on, stopped by Ctrl-C."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rich.console import Console
from rich.status import Status

from ossia.agent import RunResult, RunStream
from ossia.cli._view import View


async def follow(run: RunStream, view: View | None) -> RunResult:
    """The turn's result. The first Ctrl-C stops the turn, which then ends with outcome `cancelled`."""
    async with run, _interruptible(run.cancel):
        async for event in run:
            if view:
                view.show(event)
        return await run.result()


@asynccontextmanager
async def _interruptible(stop: Callable[[], None]) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop)
    loop.add_signal_handler(signal.SIGTERM, stop)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)


class Progress:
    """Says what takes long: a spinner where there is a terminal, else a line each."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._status: Status | None = None
        self._last = ""

    def __call__(self, what: str, share: float | None = None) -> None:
        """`share`: how much of it is done, in [0, 1]; None: not known. Without a terminal a line for each thing."""
        if self._quiet:
            return
        text = what if share is None else f"{what} {share:.0%}"
        if not self._console.is_terminal:
            if what != self._last:
                self._console.print(what, style="dim", highlight=False, soft_wrap=True)
        elif self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        else:
            self._status.update(text)
        self._last = what

    def stop(self) -> None:
        """Take the spinner away."""
        if self._status:
            self._status.stop()
            self._status = None
