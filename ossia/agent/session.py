"""Sessions: one transcript, one sandbox and the tools' state, over several turns."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from ossia import harmony
from ossia.agent._turn import Parts, Turn
from ossia.agent._workspace import Files, Workspace, load_files
from ossia.agent.events import Event, SandboxOpened
from ossia.agent.journal import Journal, new_run_id
from ossia.agent.limits import Limits
from ossia.agent.result import RunResult
from ossia.engine.protocol import Engine, Sampling
from ossia.errors import UserError
from ossia.sandbox.protocol import SandboxInfo, SandboxNeeds, SandboxProvider
from ossia.tools.protocol import OpenTool, Tool, ToolContext


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """What an agent gives to each of its sessions."""

    engine: Engine
    tools: tuple[Tool, ...]
    prompt: harmony.PromptConfig
    limits: Limits
    sampling: Sampling
    provider: SandboxProvider | None
    needs: SandboxNeeds | None
    journal: Callable[[str], Path] | None
    """The path of the journal of a run; None: none is written."""
    fsync: bool


class Session:
    """A conversation with state. Made by `Agent.session()`; turns follow one another, one at a time."""

    def __init__(self, config: SessionConfig, history: Sequence[harmony.Message] = ()) -> None:
        self.id = new_run_id()
        self.turns = 0
        self.transcript = harmony.Transcript.start(config.prompt, history)
        self._config = config
        self._stack = AsyncExitStack()
        self._busy = asyncio.Lock()
        self._emit: Callable[[Event], None] | None = None
        self._workspace = Workspace(config.provider, config.needs, self._sandbox_opened)
        self._tools: dict[str, OpenTool] = {}

    async def __aenter__(self) -> Self:
        self._stack.push_async_callback(self._workspace.close)
        context = ToolContext(self.id, self._workspace.sandbox)
        try:
            for tool in self._config.tools:
                opened = await self._stack.enter_async_context(tool.open(context))
                self._tools |= dict.fromkeys(tool.namespace.recipients, opened)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def run(self, text: str, *, files: Files = ()) -> RunResult:
        """Answer `text`: one turn. Cancelling the task that awaits it stops the turn and what it holds."""
        async with self._turn(text, files, None) as turn:
            return await turn.run()

    def stream(self, text: str, *, files: Files = ()) -> "RunStream":
        """The same, with events while it goes on: `async with session.stream(...) as run: async for event in run`."""
        return RunStream(lambda listener: self._turn(text, files, listener))

    @asynccontextmanager
    async def _turn(self, text: str, files: Files, listener: Callable[[Event], None] | None) -> AsyncIterator[Turn]:
        if not text.strip():
            raise UserError("The task is empty: say what the agent shall do.")
        loaded = load_files(files)
        if self._busy.locked():
            raise UserError("This session is in the middle of a turn: await it first, or open another session.")
        async with self._busy:
            self._workspace.add(loaded)
            run_id = new_run_id()
            journal = Journal(self._config.journal(run_id), fsync=self._config.fsync) if self._config.journal else None
            self._emit = _emitter(journal, listener)
            if self.turns:
                self.transcript.drop_analysis()
            self.turns += 1
            try:
                yield Turn(
                    parts=self._parts(),
                    run_id=run_id,
                    number=self.turns,
                    text=_with_files(text, loaded),
                    files=sorted(loaded),
                    emit=self._emit,
                    deltas=listener is not None,
                )
            finally:
                self._emit = None
                if journal:
                    journal.close()

    def _parts(self) -> Parts:
        config = self._config
        return Parts(
            session_id=self.id,
            engine=config.engine,
            sampling=config.sampling,
            limits=config.limits,
            transcript=self.transcript,
            tools=self._tools,
            workspace=self._workspace,
        )

    def _sandbox_opened(self, info: SandboxInfo, seconds: float) -> None:
        if self._emit:
            self._emit(
                SandboxOpened(provider=info.provider, description=info.description, image=info.image, seconds=seconds)
            )


class RunStream:
    """A turn under way: iterate over its events, then `await run.result()`. Leaving it early cancels the turn."""

    def __init__(self, turn: Callable[[Callable[[Event], None]], AbstractAsyncContextManager[Turn]]) -> None:
        self._turn = turn
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._task: asyncio.Task[RunResult] | None = None
        self._current: Turn | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda _: self._events.put_nowait(None))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task = self._started()
        task.cancel()
        await asyncio.wait([task])

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self._events.get()) is not None:
            yield event

    async def result(self) -> RunResult:
        """The turn's result, when it has ended. Raises what ended it where that was the caller's mistake."""
        return await asyncio.shield(self._started())

    def cancel(self) -> None:
        """Stop the turn; it then ends with outcome `cancelled`, and `result()` says how far it came."""
        if self._current and not self._current.stopping:
            self._current.stopping = True
            self._started().cancel()

    async def _run(self) -> RunResult:
        async with self._turn(self._events.put_nowait) as turn:
            self._current = turn
            return await turn.run()

    def _started(self) -> asyncio.Task[RunResult]:
        if self._task is None:
            raise UserError("Enter the stream first: `async with agent.stream(...) as run`.")
        return self._task


def _emitter(journal: Journal | None, listener: Callable[[Event], None] | None) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        if journal:
            journal.write(event)
        if listener:
            listener(event)

    return emit


def _with_files(text: str, files: Mapping[str, bytes]) -> str:
    """The user's message, with a line that names the files that it comes with."""
    if not files:
        return text
    return f"{text}\n\nFiles: {', '.join(f'/mnt/data/{name}' for name in sorted(files))}"
