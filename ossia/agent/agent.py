"""Agents: an engine, tools and instructions, from which sessions and runs are made."""

import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypedDict

from pydantic import JsonValue, TypeAdapter
from pydantic_core import to_json

from ossia import harmony
from ossia.agent._context import Overflow
from ossia.agent._grammar import GrammarUse, check_use, grammars
from ossia.agent._output import Output, output_format
from ossia.agent._turn import Turn
from ossia.agent._workspace import Files
from ossia.agent.events import Event
from ossia.agent.journal import journal_path, runs_directory
from ossia.agent.limits import Limits
from ossia.agent.nested import AgentTool
from ossia.agent.result import RunResult
from ossia.agent.session import Session, SessionConfig
from ossia.agent.stream import RunStream
from ossia.engine import Engine, Progress, Sampling, open_engine
from ossia.errors import UserError
from ossia.sandbox import resolve
from ossia.sandbox.protocol import SandboxNeeds, SandboxProvider
from ossia.tools.approval import Approval
from ossia.tools.functions import collect, connected
from ossia.tools.protocol import Tool, ToolContext, ToolSource
from ossia.types import Effort

if TYPE_CHECKING:
    from ossia.agent.sync import SyncAgent


_DESCRIPTION: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


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
        engine_options: Mapping[str, JsonValue] | None = None,
        tools: Iterable[Tool | ToolSource | Callable[..., object]] = (),
        instructions: str | None = None,
        effort: Effort = "medium",
        sandbox: str | SandboxProvider | None = None,
        limits: Limits | None = None,
        sampling: Sampling | SamplingFields | None = None,
        output: Output | None = None,
        approval: Approval | None = None,
        resampling: harmony.ResamplePolicy | None = None,
        grammar: GrammarUse = "after_malformed",
        overflow: Overflow = "fail",
        date: str | None = None,
        journal: bool | str | Path = True,
        fsync: bool = False,
        progress: Progress | None = None,
        origin: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """`engine`: a spec or an engine (which stays the caller's to close); None: `$OSSIA_ENGINE`, else `nano`.

        `engine_options`: options of the kind of engine that the spec names, such as vLLM's engine arguments.
        `sandbox`: a provider or its name; None: the first that covers what the tools need.
        `sampling`: a mapping gives the fields that differ from the engine's own.
        `tools`: tools, MCP servers, and functions (decorated with `@tool` or fully annotated).
        `output`: the form that final answers must have: a pydantic model or other type, or a JSON Schema.
        `approval`: which calls are made, refused, or asked about; None: all are made.
        `resampling`: which malformed completions are sampled again, and how often (bad arguments are always answered).
        `grammar`: which completions are held to the call grammar, where the engine can; `on` needs one that can.
        `overflow`: what to do when the context is nearly full.
        `date`: shown to the model; None: the prompt names none.
        `journal`: a directory, or whether to write to `runs_directory()`; `fsync` makes it survive a power cut.
        `progress`: told what takes long, and the share of it that is done.
        `origin`: the task that the agent was made from, for journals to hold, so that the command can make it again.
        Raises `UserError` when two tools are called the same, or `grammar` is none of its words.
        """
        self.tools = collect(tools)
        self.limits = limits or Limits()
        self._engine_spec = engine if engine is not None else os.environ.get("OSSIA_ENGINE") or "nano"
        self._engine_options = dict(engine_options or {})
        self._sandbox_spec = sandbox
        self._sampling = sampling or {}
        check_use(grammar)
        self._overflow = overflow
        self._grammar = grammar
        self._journal = _journal_directory(journal)
        self._fsync = fsync
        self._origin = None if origin is None else dict(origin)
        self._progress = progress or (lambda what, share: None)
        self._stack = AsyncExitStack()
        self._config: SessionConfig | None = None
        self._policy = resampling or harmony.ResamplePolicy()
        self._approval = approval or Approval()
        self._output = None if output is None else output_format(output)
        self._prompt = harmony.PromptConfig(
            instructions=instructions,
            effort=effort,
            date=date,
            response_formats=self._output.response_format if self._output else {},
        )
        _refuse_twins([tool for tool in self.tools if isinstance(tool, Tool)])

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

        return self._streaming(lambda session, listener: session.turn(text, files, listener))

    async def resume(self, run: str | Path) -> RunResult:
        """Go on with a run that was cut off, from its last whole step.

        `run`: its id, or the path of its journal. A fresh sandbox runs the recorded python and shell calls again; the
        answers of other tools come from the journal. Raises `UserError` when the run has ended, can't be read, or was
        recorded with another agent.
        """
        async with self.stream_resumed(run) as stream:
            return await stream.result()

    async def fork(self, run: str | Path, *, at: int) -> RunResult:
        """A new run that shares the first `at` steps of `run`, token for token, and goes on from there."""
        async with self.stream_resumed(run, fork_at=at) as stream:
            return await stream.result()

    def stream_resumed(self, run: str | Path, *, fork_at: int | None = None) -> RunStream:
        """`resume`, or with `fork_at` `fork`, with events while it goes on."""
        path = journal_path(run, self._journal)
        return self._streaming(lambda session, listener: session.resumed_turn(path, listener, fork_at=fork_at))

    def session(self, *, history: Sequence[harmony.Message] = ()) -> Session:
        """A conversation that keeps its transcript, its sandbox and its tools' state: `async with agent.session()`."""
        return Session(self._opened(), history)

    def as_tool(self, name: str, description: str, *, share_sandbox: bool = False) -> AgentTool:
        """This agent as a tool of another one, called as `name.ask` with a task.

        It is opened and closed with the other agent, has a transcript of its own, and what it uses counts towards the
        limits of the one that asks. With `share_sandbox` it works in the other's notebook and files.
        """
        return AgentTool(self, name, description, share_sandbox)

    @property
    def needs(self) -> SandboxNeeds | None:
        """What its tools need of a sandbox, as far as that is known before they are connected."""
        return _merge([tool for tool in self.tools if isinstance(tool, Tool)])

    def nested_session(self, asker: ToolContext, *, share_sandbox: bool) -> Session:
        """A session that uses up the limits of the agent that asks, in its sandbox or an own one."""
        return Session(self._opened(), asker=asker, share_sandbox=share_sandbox)

    def sync(self) -> "SyncAgent":
        """The same agent for code without `async`: `with agent.sync() as a: a.run(...)`."""
        from ossia.agent.sync import SyncAgent

        return SyncAgent(self)

    @property
    def engine(self) -> Engine:
        """The engine, once the agent is open."""
        return self._opened().engine

    async def preview(self, text: str) -> harmony.Prompt:
        """The prompt of a run, as token ids, shape [n]: without an engine, without a sandbox, nothing is sampled."""
        async with connected(self.tools) as tools:
            transcript = harmony.Transcript.start(_prompt(self._prompt, tools))
        transcript.append_user(text)
        return transcript.prompt()

    async def _open(self) -> SessionConfig:
        tools = await self._stack.enter_async_context(connected(self.tools))
        _refuse_twins(tools)
        self._approval.check([recipient for tool in tools for recipient in tool.namespace.recipients])
        needs = _merge(tools)
        provider = None
        if needs is not None:
            provider = await resolve(self._sandbox_spec, needs)
            if provider is not self._sandbox_spec:
                self._stack.push_async_callback(provider.aclose)
        engine = await open_engine(self._engine_spec, options=self._engine_options, progress=self._progress)
        if engine is not self._engine_spec:
            self._stack.push_async_callback(engine.aclose)
        sampling = _sampling(self._sampling, engine.info.default_sampling)
        return SessionConfig(
            engine=engine,
            tools=tools,
            prompt=_prompt(self._prompt, tools),
            approval=self._approval,
            output=self._output,
            policy=self._policy,
            limits=self.limits,
            sampling=sampling,
            overflow=self._overflow,
            grammars=grammars(self._grammar, engine.info, [tool.namespace for tool in tools], self._output),
            provider=provider,
            needs=needs,
            journal=self._journal,
            fsync=self._fsync,
            description=self._describe(tools, engine, provider, sampling),
            origin=self._origin,
        )

    def _describe(
        self, tools: Sequence[Tool], engine: Engine, provider: SandboxProvider | None, sampling: Sampling
    ) -> dict[str, JsonValue]:
        """What has to be the same when a run is resumed. Limits may change, so that a run can be given more."""
        description = {
            "engine": engine.info.spec,
            "model": engine.info.model,
            "sampling": asdict(sampling),
            "tools": [asdict(tool.namespace) for tool in tools],
            "instructions": self._prompt.instructions,
            "effort": self._prompt.effort,
            "output": dict(self._output.schema) if self._output else None,
            "date": self._prompt.date,
            "sandbox": provider.name if provider else None,
        }
        return _DESCRIPTION.validate_json(to_json(description))

    def _streaming(
        self, make: Callable[[Session, Callable[[Event], None]], AbstractAsyncContextManager[Turn]]
    ) -> RunStream:
        """A turn in a session of its own, as a stream."""

        @asynccontextmanager
        async def turn(listener: Callable[[Event], None]) -> AsyncIterator[Turn]:
            async with self.session() as session, make(session, listener) as turn:
                yield turn

        return RunStream(turn)

    def _opened(self) -> SessionConfig:
        if self._config is None:
            raise UserError("Open the agent first: `async with agent: ...` (or `with agent.sync() as a: ...`).")
        return self._config


def _prompt(config: harmony.PromptConfig, tools: Sequence[Tool]) -> harmony.PromptConfig:
    return replace(config, tools=tuple(tool.namespace for tool in tools))


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
