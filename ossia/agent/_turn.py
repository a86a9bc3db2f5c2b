"""The loop: one turn, from the user's message to its outcome."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ossia import harmony
from ossia.agent._step import Step, sample_step
from ossia.agent._workspace import Workspace
from ossia.agent.events import CallEnded, CallStarted, Event, RunEnded, RunStarted, StepEnded, StepStarted
from ossia.agent.limits import Budget, Limits
from ossia.agent.result import Outcome, RunResult, ToolCall, Usage
from ossia.engine.protocol import Engine, Sampling
from ossia.errors import InfrastructureError
from ossia.tools.protocol import OpenTool, ToolResult


@dataclass(frozen=True, slots=True)
class Parts:
    """What a session lends to its turns."""

    session_id: str
    engine: Engine
    sampling: Sampling
    limits: Limits
    transcript: harmony.Transcript
    tools: Mapping[str, OpenTool]
    """By recipient."""
    workspace: Workspace


class _Ended(Exception):
    """The turn has its outcome."""

    def __init__(self, outcome: Outcome, *, limit: str | None = None, error: str | None = None) -> None:
        super().__init__(outcome)
        self.outcome, self.limit, self.error = outcome, limit, error


@dataclass(slots=True)
class Turn:
    """One turn under way."""

    parts: Parts
    run_id: str
    number: int
    text: str
    files: Sequence[str]
    emit: Callable[[Event], None]
    deltas: bool = True
    """Emit the text as it is written."""
    usage: Usage = field(default_factory=Usage)
    messages: list[harmony.Message] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)
    images: dict[str, bytes] = field(default_factory=dict)
    final: str | None = None
    stopping: bool = False
    """Set before the turn's task is cancelled by the one who wants its result all the same."""

    async def run(self) -> RunResult:
        """Go on until there is an outcome. Never raises for what the model does; cancellation passes through."""
        budget = Budget(self.parts.limits)
        try:
            end = await self._until_end(budget)
        except asyncio.CancelledError:
            self._emit_end(_Ended("cancelled"), budget, {})
            raise
        files, notes = {}, []
        try:
            files, notes = await self.parts.workspace.collect()
        except InfrastructureError as error:
            end = end if end.outcome == "infrastructure" else _Ended("infrastructure", error=str(error))
        files |= self.images
        self._emit_end(end, budget, files)
        return self._result(end, files, notes)

    async def _until_end(self, budget: Budget) -> _Ended:
        deadline = asyncio.timeout(budget.limits.seconds)
        try:
            async with deadline:
                self._open()
                while True:
                    await self._step(budget)
        except _Ended as end:
            return end
        except InfrastructureError as error:
            return _Ended("infrastructure", error=str(error))
        except asyncio.CancelledError:
            if not self.stopping:
                raise
            return _Ended("cancelled")
        except TimeoutError:
            if not deadline.expired():
                raise
            return _Ended("limit", limit="seconds")

    def _open(self) -> None:
        transcript = self.parts.transcript
        transcript.append_user(self.text)
        self.messages.append(harmony.Message("user", self.text))
        info = self.parts.engine.info
        self.emit(
            RunStarted(
                run_id=self.run_id,
                session_id=self.parts.session_id,
                turn=self.number,
                engine=info.spec,
                model=info.model,
                note=info.note,
                text=self.text,
                files=tuple(self.files),
                prompt=tuple(transcript.prompt()),
            )
        )

    async def _step(self, budget: Budget) -> None:
        """One completion and the calls that it makes."""
        if limit := budget.exhausted():
            raise _Ended("limit", limit=limit)
        max_tokens, limit = budget.completion_tokens()
        step = await self._completion(budget, max_tokens)
        budget.steps += 1
        self.usage.steps += 1
        self.parts.transcript.append_completion(step.token_ids)
        completion = step.completion
        self.messages += completion.messages
        if step.finish == "length":
            raise _Ended("limit", limit=limit)
        for call in completion.calls:
            await self._call(call)
        if not completion.calls:
            self.final = completion.final
            raise _Ended("final")

    async def _completion(self, budget: Budget, max_tokens: int | None) -> Step:
        """A completion of which something can be made; others are sampled again, a bounded number of times."""
        for attempt in range(self.parts.limits.resamples + 1):
            step = await self._sample(budget, attempt, max_tokens)
            reason = step.useless
            self._count(step, budget, attempt, reason)
            if reason is None:
                return step
            if limit := budget.exhausted():
                raise _Ended("limit", limit=limit)
        raise _Ended("malformed", error=f"{attempt + 1} completions in a row were of no use, the last one: {reason}.")

    async def _sample(self, budget: Budget, attempt: int, max_tokens: int | None) -> Step:
        parts = self.parts
        prompt = parts.transcript.prompt()
        self.emit(StepStarted(step=budget.steps, attempt=attempt, prompt_tokens=len(prompt)))
        sampling = parts.sampling
        sampling = replace(
            sampling,
            max_tokens=min((n for n in (sampling.max_tokens, max_tokens) if n is not None), default=None),
            seed=None if sampling.seed is None else _seed(sampling.seed, self.number, budget.steps, attempt),
        )
        self.usage.prompt_tokens += len(prompt)
        return await sample_step(
            parts.engine,
            prompt,
            sampling,
            key=parts.session_id,
            recipients=list(parts.tools),
            on_delta=self.emit if self.deltas else None,
        )

    def _count(self, step: Step, budget: Budget, attempt: int, reason: str | None) -> None:
        usage, sampled = self.usage, len(step.token_ids)
        budget.tokens += sampled
        usage.sampled_tokens += sampled
        usage.cached_tokens += step.cached_tokens or 0
        usage.engine_seconds += step.seconds
        if reason is not None:
            usage.discarded_tokens += sampled
            usage.resamples += 1
        else:
            self.repairs.update(repair.kind for repair in step.completion.repairs)
        self.emit(
            StepEnded(
                step=budget.steps,
                attempt=attempt,
                token_ids=tuple(step.token_ids),
                finish=step.finish,
                kept=reason is None,
                reason=reason,
                repairs=tuple(repair.kind for repair in step.completion.repairs),
                cached_tokens=step.cached_tokens,
                seconds=step.seconds,
            )
        )

    async def _call(self, call: harmony.ParsedMessage) -> None:
        """Let the tool act, and append what it answers."""
        recipient, channel = call.recipient or "", call.channel or "commentary"
        number, step = len(self.calls), self.usage.steps - 1
        self.emit(CallStarted(step=step, call=number, recipient=recipient, channel=channel, arguments=call.text))
        started = time.monotonic()
        tool = self.parts.tools.get(recipient)
        result = await tool.call(recipient, call.text) if tool else self._undeclared(recipient)
        seconds = time.monotonic() - started
        self.usage.tool_seconds += seconds
        for index, image in enumerate(result.images, start=len(self.images) + 1):
            self.images[f"image-{self.number}-{index}.{image.mime.removeprefix('image/')}"] = image.data
        self.emit(
            CallEnded(
                step=step,
                call=number,
                recipient=recipient,
                text=result.text,
                error=result.error,
                images=len(result.images),
                details=dict(result.details),
                seconds=seconds,
            )
        )
        self.calls.append(ToolCall(recipient, call.text, result.text, result.error, seconds))
        self.parts.transcript.append_tool(recipient, result.text, channel)
        self.messages.append(harmony.Message("tool", result.text, channel, name=recipient))

    def _undeclared(self, recipient: str) -> ToolResult:
        known = ", ".join(sorted(self.parts.tools)) or "none"
        return ToolResult(f"There is no tool called {recipient!r}. The tools are: {known}.", error=True)

    def _emit_end(self, end: _Ended, budget: Budget, files: Mapping[str, bytes]) -> None:
        self.usage.seconds = budget.seconds
        self.emit(
            RunEnded(
                run_id=self.run_id,
                outcome=end.outcome,
                limit=end.limit,
                error=end.error,
                final=self.final,
                files=tuple(files),
                sampled_tokens=self.usage.sampled_tokens,
                seconds=budget.seconds,
            )
        )

    def _result(self, end: _Ended, files: Mapping[str, bytes], notes: Sequence[str]) -> RunResult:
        info = self.parts.workspace.info
        return RunResult(
            run_id=self.run_id,
            outcome=end.outcome,
            final=self.final,
            limit=end.limit,
            error=end.error,
            messages=tuple(self.messages),
            tool_calls=tuple(self.calls),
            files=files,
            usage=self.usage,
            repairs=dict(self.repairs),
            sandbox=info.description if info else None,
            notes=tuple(notes),
        )


def _seed(seed: int, turn: int, step: int, attempt: int) -> int:
    """A seed of its own for each completion, so that sampling again gives something else, and the same each time."""
    return hash((seed, turn, step, attempt)) & 0x7FFF_FFFF
