"""A small event loop: file descriptors, timers, and one function that is called before every sleep."""

import heapq
import select
import time
from collections.abc import Callable
from itertools import count


class Timer:
    """A call that is due at a time; `cancel` makes it not happen."""

    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due = due
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    def __init__(self) -> None:
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._serial = count()
        self.before_sleep: Callable[[], bool] = lambda: False
        """Called before each sleep; True: there is more to do at once."""

    def add(self, fd: int, handler: Callable[[], None], events: int = select.POLLIN) -> None:
        """Call `handler` whenever `fd` is readable (or what `events` says) or hung up."""
        self._handlers[fd] = handler
        self._poll.register(fd, events)

    def remove(self, fd: int) -> None:
        if self._handlers.pop(fd, None):
            self._poll.unregister(fd)

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        timer = Timer(time.monotonic() + seconds, call)
        heapq.heappush(self._timers, (timer.due, next(self._serial), timer))
        return timer

    def run(self) -> None:
        """Run for ever; a handler ends it by leaving the process."""
        while True:
            busy = self.before_sleep()
            for fd, _ in self._poll.poll(0 if busy else self._wait()):
                # A handler that ran just before may have removed this one.
                if handler := self._handlers.get(fd):
                    handler()
            self._run_due()

    def _wait(self) -> float | None:
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        return max(0.0, self._timers[0][0] - time.monotonic()) * 1000 + 1

    def _run_due(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled:
                timer.call()
