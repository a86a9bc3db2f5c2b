"""Agents: an engine, tools and instructions, from which sessions and runs are made."""

import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypedDict

from ossia import harmony
from ossia.agent._turn import Turn
from ossia.agent._workspace import Files
from ossia.agent.events import Event
from ossia.agent.journal import runs_directory
from ossia.agent.limits import Limits
from ossia.agent.result import RunResult
from ossia.agent.session import RunStream, Session, SessionConfig
from ossia.engine import Engine, Sampling, open_engine
from ossia.errors import UserError
from ossia.sandbox import SandboxNeeds, SandboxProvider, resolve
from ossia.tools.protocol import Tool
from ossia.types import Effort

if TYPE_CHECKING:
    from ossia.agent.sync import SyncAgent


class SamplingFields(TypedDict, total=False):
    """Fields of `Sampling` that differ from the engine's own."""

    temperature: float
    top_p: float
    top_k: int
    max_tokens: int | None
    seed: int | None
    logprobs: bool


class Agent:
    """An agent for gpt-oss. Enter it to have its engine and its sandboxes; any number of runs may go on at once.

    ```python
    async with Agent(tools=[Python()]) as agent:
        result = await agent.run("What is 48213 * 777?")
    ```
    """

    def __init__(
        self,
        *,
        engine: str | Engine | None = None,
        tools: Iterable[Tool] = (),
        instructions: str | None = None,
        effort: Effort = "medium",
        sandbox: str | SandboxProvider | None = None,
        limits: Limits | None = None,
        sampling: Sampling | SamplingFields | None = None,
        date: str | None = None,
        journal: bool | str | Path = True,
        fsync: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        """`engine`: a spec or an engine (which stays the caller's to close); None: `$OSSIA_ENGINE`, else `nano`.

        `sandbox`: a provider or its name; None: the first that covers what the tools need.
        `sampling`: a mapping gives the fields that differ from the engine's own.
        `date`: shown to the model; None: the prompt names none.
        `journal`: a directory, or whether to write to `runs_directory()`; `fsync` makes it survive a power cut.
        `progress`: told in words of what takes long.
        Raises `UserError` when two tools are called the same.
        """
        self.tools = tuple(tools)
        self.limits = limits or Limits()
        self._engine_spec = engine if engine is not None else os.environ.get("OSSIA_ENGINE") or "nano"
        self._sandbox_spec = sandbox
        self._sampling = sampling or {}
        self._journal = _journal_directory(journal)
        self._fsync = fsync
        self._progress = progress or (lambda _: None)
        self._stack = AsyncExitStack()
        self._config: SessionConfig | None = None
        _refuse_twins(self.tools)
        self.prompt = harmony.PromptConfig(
            instructions=instructions,
            effort=effort,
            tools=tuple(tool.namespace for tool in self.tools),
            date=date,
        )

    async def __aenter__(self) -> Self:
        """Open the engine and find the sandbox. Raises `UserError`, `EngineError` or `SandboxUnavailable`."""
        if self._config is not None:
            raise UserError("This agent is open already.")
        try:
            self._config = await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._config = None
        await self._stack.aclose()

    async def run(self, text: str, *, files: Files = ()) -> RunResult:
        """Answer `text` in a session of its own, which is closed afterwards.

        `files` are put into `/mnt/data`; what the run leaves there is in the result. Raises `UserError` for the
        caller's mistakes; whatever else happens is in the result's outcome.
        """
        async with self.session() as session:
            return await session.run(text, files=files)

    def stream(self, text: str, *, files: Files = ()) -> RunStream:
        """The same, with events while it goes on; leaving the stream early cancels the run and releases its sandbox."""

        @asynccontextmanager
        async def turn(listener: Callable[[Event], None]) -> AsyncIterator[Turn]:
            async with self.session() as session, session._turn(text, files, listener) as turn:
                yield turn

        return RunStream(turn)

    def session(self, *, history: Sequence[harmony.Message] = ()) -> Session:
        """A conversation that keeps its transcript, its sandbox and its tools' state: `async with agent.session()`."""
        return Session(self._opened(), history)

    def sync(self) -> "SyncAgent":
        """The same agent for code without `async`: `with agent.sync() as a: a.run(...)`."""
        from ossia.agent.sync import SyncAgent

        return SyncAgent(self)

    @property
    def engine(self) -> Engine:
        """The engine, once the agent is open."""
        return self._opened().engine

    async def _open(self) -> SessionConfig:
        needs = _merge(self.tools)
        provider = None
        if needs is not None:
            provider = await resolve(self._sandbox_spec, needs)
            if provider is not self._sandbox_spec:
                self._stack.push_async_callback(provider.aclose)
        engine = await open_engine(self._engine_spec, progress=self._progress)
        if engine is not self._engine_spec:
            self._stack.push_async_callback(engine.aclose)
        directory = self._journal
        return SessionConfig(
            engine=engine,
            tools=self.tools,
            prompt=self.prompt,
            limits=self.limits,
            sampling=_sampling(self._sampling, engine.info.default_sampling),
            provider=provider,
            needs=needs,
            journal=None if directory is None else lambda run_id: directory / f"{run_id}.jsonl",
            fsync=self._fsync,
        )

    def _opened(self) -> SessionConfig:
        if self._config is None:
            raise UserError("Open the agent first: `async with agent: ...` (or `with agent.sync() as a: ...`).")
        return self._config


def _sampling(given: Sampling | SamplingFields, default: Sampling) -> Sampling:
    return given if isinstance(given, Sampling) else replace(default, **given)


def _merge(tools: Sequence[Tool]) -> SandboxNeeds | None:
    merged: SandboxNeeds | None = None
    for needs in (tool.needs for tool in tools):
        if needs is not None:
            merged = needs if merged is None else merged.merge(needs)
    return merged


def _refuse_twins(tools: Sequence[Tool]) -> None:
    seen: set[str] = set()
    for tool in tools:
        if tool.namespace.name in seen:
            raise UserError(f"Two tools are called {tool.namespace.name!r}: keep one of them.")
        seen.add(tool.namespace.name)


def _journal_directory(journal: bool | str | Path) -> Path | None:
    if journal is False:
        return None
    return runs_directory() if journal is True else Path(journal)
