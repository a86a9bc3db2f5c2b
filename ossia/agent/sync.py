"""An agent for code without `async`: an event loop of its own in a thread, so that it works in notebooks too."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from ossia.agent._workspace import Files
from ossia.agent.result import RunResult
from ossia.agent.session import Session
from ossia.errors import UserError

if TYPE_CHECKING:
    from ossia.agent.agent import Agent

T = TypeVar("T")


class SyncAgent:
    """The blocking face of an `Agent`; made by `agent.sync()`, usable from several threads at once."""

    def __init__(self, agent: "Agent") -> None:
        self._agent = agent
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ossia", daemon=True)
        self._thread.start()
        try:
            self._call(self._agent.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._call(self._agent.__aexit__(kind, error, trace))
        finally:
            self._stop()

    def run(self, text: str, *, files: Files = ()) -> RunResult:
        """Answer `text` in a session of its own."""
        return self._call(self._agent.run(text, files=files))

    @contextmanager
    def session(self) -> Iterator["SyncSession"]:
        """A conversation that keeps its state: `with a.session() as s: s.run(...); s.run(...)`."""
        session = self._agent.session()
        self._call(session.__aenter__())
        try:
            yield SyncSession(self, session)
        finally:
            self._call(session.__aexit__(None, None, None))

    def _call(self, work: Coroutine[object, object, T]) -> T:
        if self._loop is None:
            work.close()
            raise UserError("Open the agent first: `with agent.sync() as a: ...`.")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def _stop(self) -> None:
        if self._loop and self._thread:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        self._loop = None


class SyncSession:
    """The blocking face of a `Session`."""

    def __init__(self, agent: SyncAgent, session: Session) -> None:
        self._agent = agent
        self._session = session

    def run(self, text: str, *, files: Files = ()) -> RunResult:
        """Answer `text`: one turn."""
        return self._agent._call(self._session.run(text, files=files))
