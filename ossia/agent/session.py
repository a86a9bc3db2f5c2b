"""Sessions: one transcript, one sandbox and the tools' state, over several turns."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import JsonValue

from ossia import harmony, types
from ossia.agent import _resume
from ossia.agent._calls import Calls
from ossia.agent._citations import recall
from ossia.agent._context import Overflow
from ossia.agent._grammar import Grammars
from ossia.agent._output import OutputFormat
from ossia.agent._turn import Parts, Turn
from ossia.agent._workspace import Files, Workspace, load_files
from ossia.agent.events import Event, RunResumed, RunStarted, SandboxOpened
from ossia.agent.journal import Journal, digest, new_run_id
from ossia.agent.limits import Budget, Limits
from ossia.agent.result import RunResult
from ossia.agent.stream import RunStream
from ossia.agent.telemetry import Feed, traced
from ossia.engine.protocol import Engine, Sampling
from ossia.errors import UserError
from ossia.sandbox.protocol import SandboxInfo, SandboxNeeds, SandboxProvider
from ossia.tools.approval import Approval
from ossia.tools.protocol import OpenTool, Tool, ToolContext


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """What an agent gives to each of its sessions."""

    engine: Engine
    tools: tuple[Tool, ...]
    prompt: harmony.PromptConfig
    approval: Approval
    output: OutputFormat | None
    policy: harmony.ResamplePolicy
    limits: Limits
    sampling: Sampling
    overflow: Overflow
    grammars: Grammars
    provider: SandboxProvider | None
    needs: SandboxNeeds | None
    journal: Path | None
    """The directory of the journals; None: none are written."""
    fsync: bool
    description: dict[str, JsonValue]
    """The agent, as journals record it."""
    origin: dict[str, JsonValue] | None
    """The task that it was made from, where there is one."""


class Session:
    """A conversation with state. Made by `Agent.session()`; turns follow one another, one at a time."""

    def __init__(
        self,
        config: SessionConfig,
        history: Sequence[harmony.Message] = (),
        *,
        asker: ToolContext | None = None,
        share_sandbox: bool = False,
    ) -> None:
        """`asker`: of the agent that has this one as a tool, whose limits it uses up, and maybe its sandbox."""
        self.id = new_run_id()
        self.turns = 0
        self.transcript = harmony.Transcript.start(config.prompt, history)
        self._config = config
        self._stack = AsyncExitStack()
        self._busy = asyncio.Lock()
        self._emit: Callable[[Event], None] = lambda _: None
        self._workspace = Workspace(
            config.provider,
            config.needs,
            self._sandbox_opened,
            borrowed=asker.sandbox if asker and share_sandbox else None,
        )
        self._asker = asker
        self._budget: Budget | None = None
        self._tools: dict[str, OpenTool] = {}
        self._previous: str | None = None

    async def __aenter__(self) -> Self:
        self._stack.push_async_callback(self._workspace.close)
        context = ToolContext(self.id, self._workspace.sandbox, parse=_parse_arguments, scope=lambda: self._budget)
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
        async with self.turn(text, files, None) as turn:
            return await turn.run()

    def stream(self, text: str, *, files: Files = ()) -> RunStream:
        """The same, with events while it goes on: `async with session.stream(...) as run: async for event in run`."""
        return RunStream(lambda listener: self.turn(text, files, listener))

    @asynccontextmanager
    async def turn(self, text: str, files: Files, listener: Callable[[Event], None] | None) -> AsyncIterator[Turn]:
        """A turn that is ready to run."""
        if not text.strip():
            raise UserError("The task is empty: say what the agent shall do.")
        loaded = load_files(files)
        run_id = new_run_id()
        path = self._config.journal / f"{run_id}.jsonl" if self._config.journal else None
        journal = Journal(path, fsync=self._config.fsync) if path else None
        async with self._one_turn(journal, listener):
            self._workspace.add(loaded)
            if self.turns:
                self.transcript.drop_analysis()
            self.turns += 1
            shown = with_files(text, list(loaded))
            self.transcript.append_user(shown)
            turn = self._make_turn(run_id, journal, listener)
            turn.messages.append(harmony.Message("user", shown))
            keep = journal.keep if journal else digest
            self._emit(self._started(run_id, shown, {name: keep(data) for name, data in loaded.items()}))
            self._previous = run_id
            yield turn

    @asynccontextmanager
    async def resumed_turn(
        self, path: Path, listener: Callable[[Event], None] | None, *, fork_at: int | None = None
    ) -> AsyncIterator[Turn]:
        """The turn of a journal, ready to go on; with `fork_at`, a new run that shares its steps up to that one."""
        recorded = _resume.read_recorded(path, until_step=fork_at)
        if fork_at is None:
            _resume.refuse_ended(recorded)
        _resume.refuse_changes(recorded.started.config, self._config.description)
        earlier = _resume.earlier_runs(recorded)
        if fork_at is None:
            run_id, journal = path.stem, Journal.reopen(path, fsync=self._config.fsync)
        else:
            run_id, journal = _resume.fork_journal(path, fork_at, fsync=self._config.fsync)
        async with self._one_turn(journal, listener):
            self.id, self.turns = recorded.started.session_id, recorded.started.turn
            self.transcript, self._previous = recorded.transcript, run_id
            turn = self._make_turn(run_id, journal, listener)
            await self._restore(turn, recorded, earlier)
            yield turn

    async def _restore(self, turn: Turn, recorded: _resume.Recorded, earlier: Sequence[_resume.Recorded]) -> None:
        """Bring the sandbox, and what the turn has done and used, to where the journal ends."""
        calls = [call for run in (*earlier, recorded) for call in run.calls if self._runs_again(call[0].recipient)]
        for run in (*earlier, recorded):
            self._workspace.add(_resume.load_blobs(run))
        differing = await _resume.run_again(calls, self._tools)
        await recall((call for run in (*earlier, recorded) for call, _ in run.calls), self._tools)
        self._emit(RunResumed(calls=len(calls), differing=tuple(differing)))
        if differing:
            turn.notes.append(f"State was lost: of {len(calls)} calls that ran again, {len(differing)} differ.")
            turn.calls.prefix = _resume.LOST
        turn.messages = recorded.messages
        turn.calls.done = [call for call, _ in recorded.calls]
        turn.budget.steps = turn.usage.steps = recorded.steps
        turn.budget.tokens = turn.usage.sampled_tokens = recorded.tokens
        turn.budget.tool_calls = len(recorded.calls)
        turn.budget.tool_seconds = sum(call.seconds for call, _ in recorded.calls)
        turn.pending, turn.final, turn.refused = recorded.asked, recorded.final, recorded.refused
        if recorded.interrupted:
            turn.answer_interrupted()

    def _runs_again(self, recipient: str) -> bool:
        """Whether a recorded call has to run again, since it changed the sandbox; others' answers stand as recorded."""
        for tool in self._config.tools:
            if recipient in tool.namespace.recipients:
                return tool.needs is not None and (tool.needs.kernel or tool.needs.shell)
        return False

    @asynccontextmanager
    async def _one_turn(self, journal: Journal | None, listener: Callable[[Event], None] | None) -> AsyncIterator[None]:
        """Holds the session for one turn, whose events go to the journal and the listener."""
        try:
            if self._busy.locked():
                raise UserError("This session is in the middle of a turn: await it first, or open another session.")
            async with self._busy:
                with traced(self._config.engine.info, self._config.sampling) as spans:
                    self._emit = _emitter(journal, listener, spans)
                    yield
        finally:
            self._emit = lambda _: None
            if journal:
                journal.close()

    def _make_turn(self, run_id: str, journal: Journal | None, listener: Callable[[Event], None] | None) -> Turn:
        config = self._config
        above = self._asker.scope() if self._asker else None
        self._budget = Budget(config.limits, parent=above if isinstance(above, Budget) else None)
        return Turn(
            parts=Parts(
                session_id=self.id,
                engine=config.engine,
                sampling=config.sampling,
                transcript=self.transcript,
                workspace=self._workspace,
                output=config.output,
                policy=config.policy,
                overflow=config.overflow,
                grammars=replace(config.grammars),
            ),
            run_id=run_id,
            number=self.turns,
            budget=self._budget,
            calls=Calls(
                self._tools, config.approval, self.id, self._emit, journal.keep if journal else digest, self.turns
            ),
            emit=self._emit,
            deltas=listener is not None,
        )

    def _started(self, run_id: str, text: str, files: dict[str, str]) -> RunStarted:
        info = self._config.engine.info
        return RunStarted(
            run_id=run_id,
            session_id=self.id,
            turn=self.turns,
            engine=info.spec,
            model=info.model,
            note=info.note,
            text=text,
            files=files,
            config=self._config.description,
            task=self._config.origin,
            transcript=tuple(self.transcript.to_json_lines()),
            previous=self._previous,
        )

    def _sandbox_opened(self, info: SandboxInfo, seconds: float) -> None:
        self._emit(
            SandboxOpened(provider=info.provider, description=info.description, image=info.image, seconds=seconds)
        )


def _parse_arguments(text: str) -> types.JsonValue:
    """The JSON that a model wrote, its usual mistakes mended. Raises `ValueError` where that can't be done."""
    return harmony.parse_json(text).value


def _emitter(journal: Journal | None, listener: Callable[[Event], None] | None, spans: Feed | None) -> Feed:
    def emit(event: Event) -> None:
        if journal:
            journal.write(event)
        if spans:
            spans(event)
        if listener:
            listener(event)

    return emit


def with_files(text: str, names: Sequence[str]) -> str:
    """The user's message, with a line that names the files that it comes with."""
    if not names:
        return text
    return f"{text}\n\nFiles: {', '.join(f'/mnt/data/{name}' for name in sorted(names))}"
