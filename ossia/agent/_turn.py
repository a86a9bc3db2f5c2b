"""The loop: one turn, from the user's message to its outcome."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ossia import harmony
from ossia.agent._calls import Calls
from ossia.agent._citations import cited
from ossia.agent._context import Overflow, Room, make_room
from ossia.agent._grammar import Grammars
from ossia.agent._output import REPAIR, OutputFormat, Unusable
from ossia.agent._step import Request, Step, sample_step
from ossia.agent._workspace import Workspace
from ossia.agent.events import AnswerRefused, ContextRewritten, Event, RunEnded, StepEnded, StepStarted
from ossia.agent.limits import Budget
from ossia.agent.result import Outcome, RunResult, Usage
from ossia.engine.protocol import Engine, Sampling
from ossia.errors import GrammarError, InfrastructureError
from ossia.types import Grammar

INTERRUPTED = "[The call was interrupted. It may have had some of its effects.]"
"""What the model is shown in place of an answer that never came."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a session lends to its turns."""

    session_id: str
    engine: Engine
    sampling: Sampling
    transcript: harmony.Transcript
    workspace: Workspace
    output: OutputFormat | None
    policy: harmony.ResamplePolicy
    overflow: Overflow
    grammars: Grammars


class _Ended(Exception):
    """The turn has its outcome."""

    def __init__(self, outcome: Outcome, *, limit: str | None = None, error: str | None = None) -> None:
        super().__init__(outcome)
        self.outcome, self.limit, self.error = outcome, limit, error


@dataclass(slots=True)
class Turn:
    """One turn under way. The user's message stands in the transcript already."""

    parts: Parts
    run_id: str
    number: int
    budget: Budget
    calls: Calls
    emit: Callable[[Event], None]
    deltas: bool = True
    """Emit the text as it is written."""
    usage: Usage = field(default_factory=Usage)
    messages: list[harmony.Message] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    pending: Sequence[harmony.ParsedMessage] = ()
    """Calls that a resumed run has to answer first."""
    final: str | None = None
    output: object = None
    refused: bool = False
    """The answer was asked for again."""
    malformed: bool = False
    """Something was wrong with the last completion."""
    forced: bool = False
    stopping: bool = False
    """Set before the turn's task is cancelled by one who wants its result all the same."""

    async def run(self) -> RunResult:
        """Go on until there is an outcome. Never raises for what the model does; cancellation passes through."""
        try:
            end = await self._until_end()
            end, files = await self._collected(end)
        except asyncio.CancelledError:
            self._emit_end(_Ended("cancelled"), {})
            raise
        self._emit_end(end, files)
        return self._result(end, files)

    async def _collected(self, end: _Ended) -> tuple[_Ended, dict[str, bytes]]:
        """What the turn left behind, and its outcome, which that may change."""
        files: dict[str, bytes] = {}
        try:
            files, notes = await self.parts.workspace.collect()
            self.notes += notes
        except InfrastructureError as error:
            end = end if end.outcome == "infrastructure" else _Ended("infrastructure", error=str(error))
        except asyncio.CancelledError:
            if not self.stopping:
                raise
            end = _Ended("cancelled")
        return end, files | self.calls.images

    async def _until_end(self) -> _Ended:
        try:
            end = await self._within(self.budget.seconds_left(), self._steps())
            if end.outcome == "limit" and self.budget.limits.force_final:
                end = await self._within(self.budget.limits.final_seconds, self._force_final(end))
            return end
        except InfrastructureError as error:
            return _Ended("infrastructure", error=str(error))
        except asyncio.CancelledError:
            if not self.stopping:
                raise
            return _Ended("cancelled")

    async def _within(self, seconds: float | None, work: Awaitable["_Ended"]) -> _Ended:
        """`work` within so many seconds, or the limit that they are."""
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                return await work
        except TimeoutError:
            if not deadline.expired():
                raise
            return _Ended("limit", limit="seconds")

    async def _steps(self) -> _Ended:
        try:
            for call in self.pending:
                await self._answer(call)
            if self.final is not None:
                self._finish(self.final)
            while True:
                await self._step()
        except _Ended as end:
            return end

    async def _step(self) -> None:
        """One completion and the calls that it makes. Raises `_Ended` with the outcome."""
        step, limit = await self._completion()
        self.budget.steps += 1
        self.usage.steps += 1
        self._accept(step)
        if step.action == "stop":
            raise _Ended("limit", limit=step.cut or limit)
        for call in step.calls:
            await self._answer(call)
        if self.calls.looping:
            raise _Ended("loop", error="The model made the same call, with the same answer, again and again.")
        if not step.calls:
            self._finish(step.completion.final)

    async def _completion(self) -> tuple[Step, str]:
        """A completion of which something can be made, and the limit that bounds it.

        Others are sampled again, as often as the policy says.
        """
        attempt = 0
        while True:
            if limit := self.budget.exhausted():
                raise _Ended("limit", limit=limit)
            await self._make_room()
            max_tokens, limit = self._bound()
            step = await self._sample(max_tokens, attempt)
            if step.kept:
                return step, limit
            attempt += 1
            if step.action == "stop":
                outcome: Outcome = "loop" if step.cut == "repetition" else "malformed"
                raise _Ended(outcome, error=f"{attempt} completions in a row were of no use: {step.fault}.")

    def _finish(self, final: str | None) -> None:
        """The final answer stands, or (once) is asked for again because it has not the form that it should have."""
        wanted = self.parts.output
        self.final = final
        if wanted is None:
            raise _Ended("final")
        try:
            self.output = wanted.read(final or "")
        except Unusable as error:
            self.final = None
            if self.refused:
                raise _Ended(
                    "invalid_output", error=f"The answer has not the form that was asked for: {error}"
                ) from None
            self._refuse(REPAIR.format(problem=error))
        else:
            raise _Ended("final")

    def _refuse(self, text: str) -> None:
        """Ask for the answer again."""
        self.refused = True
        self.parts.transcript.append_user(text)
        self.messages.append(harmony.Message("user", text))
        self.emit(AnswerRefused(step=self.budget.steps - 1, text=text))

    def _bound(self) -> tuple[int, str]:
        """The most token ids that the next completion may have, and which limit that is."""
        room = self._room().maximum - len(self.parts.transcript.prompt())
        if self.budget.limits.force_final:
            room -= self.budget.limits.final_tokens
        if room <= 0:
            raise _Ended("limit", limit="context")
        most, limit = self.budget.completion_tokens(room)
        own = self.parts.sampling.max_tokens
        return (own, "step_tokens") if own is not None and own < most else (most, limit)

    def _room(self) -> Room:
        maximum, bound = self.parts.engine.info.max_context, self.budget.limits.context
        return Room(maximum if bound is None else min(maximum, bound))

    async def _sample(self, max_tokens: int, attempt: int, *, forced: Sequence[int] = ()) -> Step:
        """One completion of the transcript, counted and told. `forced`: what its prompt ends with, put there by us."""
        prompt = self.parts.transcript.prompt()
        self.emit(StepStarted(step=self.budget.steps, attempt=attempt, prompt_tokens=len(prompt)))
        grammar = self.parts.grammars.pick(malformed=self.malformed or self.refused, forced=bool(forced))
        step = await self._ask(prompt, max_tokens, attempt, prefix=forced, grammar=grammar)
        if not forced:
            step.action = self.parts.policy.action(step.condition, attempt)
            self.malformed = step.action != "accept"
        if not step.kept:
            self.usage.discarded_tokens += len(step.token_ids)
            self.usage.resamples += 1
        self.emit(
            StepEnded(
                step=self.budget.steps,
                attempt=attempt,
                token_ids=tuple(step.token_ids),
                logprobs=tuple(step.logprobs) if self.parts.sampling.logprobs else None,
                finish=step.cut or step.finish,
                kept=step.kept,
                forced=bool(forced),
                reason=None if step.kept else step.fault,
                repairs=tuple(repair.kind for repair in step.completion.repairs),
                cached_tokens=step.cached_tokens,
                seconds=step.seconds,
                held=step.held,
            )
        )
        return step

    async def _ask(
        self,
        prompt: Sequence[int],
        max_tokens: int,
        attempt: int,
        *,
        prefix: Sequence[int] = (),
        grammar: Grammar | None = None,
    ) -> Step:
        """One completion of any prompt, counted."""
        parts, sampling = self.parts, self.parts.sampling
        seed = None if sampling.seed is None else _seed(sampling.seed, self.number, self.budget.steps, attempt)
        request = Request(
            prompt=prompt,
            sampling=replace(sampling, max_tokens=max_tokens, seed=seed),
            key=parts.session_id,
            recipients=list(self.calls.tools),
            prefix=prefix,
            analysis_tokens=None if prefix else self.budget.limits.analysis_tokens,
            grammar=grammar,
        )
        step = await self._complete(request)
        self.budget.add_tokens(len(step.token_ids))
        self.usage.prompt_tokens += len(prompt)
        self.usage.sampled_tokens += len(step.token_ids)
        self.usage.cached_tokens += step.cached_tokens or 0
        self.usage.engine_seconds += step.seconds
        return step

    async def _complete(self, request: Request) -> Step:
        """The completion; free of the grammar where the engine can't use it and it was wanted as a help only."""
        listener = self.emit if self.deltas else None
        try:
            return await sample_step(self.parts.engine, request, listener)
        except GrammarError as error:
            if self.parts.grammars.use == "on":
                raise
            self.parts.grammars.use = "off"
            self.notes.append(f"Completions were not held to the call grammar: {error}")
            return await sample_step(self.parts.engine, replace(request, grammar=None), listener)

    def _accept(self, step: Step) -> harmony.Completion:
        """Keep a completion: its token ids as sampled, its messages, its repairs."""
        completion = step.completion
        self.parts.transcript.append_completion(step.token_ids[: completion.kept], completion)
        self.messages += map(to_message, completion.messages)
        self.repairs.update(repair.kind for repair in completion.repairs)
        return completion

    async def _answer(self, call: harmony.ParsedMessage) -> None:
        """Let a tool act, and append what it says."""
        try:
            text = await self.calls.execute(call, self.budget.steps - 1, self.budget)
        except BaseException:
            # The transcript must not end with a call that nobody answered, since a session may go on after this turn.
            self._append_result(call, INTERRUPTED)
            raise
        self._append_result(call, text)

    def answer_interrupted(self) -> None:
        """Answer the first pending call, which had begun when its process died: it is not made again."""
        call, self.pending = self.pending[0], self.pending[1:]
        self._append_result(call, self.calls.prefix + INTERRUPTED)
        self.calls.prefix = ""

    def _append_result(self, call: harmony.ParsedMessage, text: str) -> None:
        recipient, channel = call.recipient or "", call.channel or "commentary"
        self.parts.transcript.append_tool(recipient, text, channel)
        self.messages.append(harmony.Message("tool", text, channel, name=recipient))

    async def _make_room(self) -> None:
        done = await make_room(self.parts.overflow, self.parts.transcript, self._room(), self._summary)
        if done:
            self.notes.append(f"Before step {self.budget.steps + 1}, {done}.")
            self.usage.rewrites += 1
            lines = tuple(self.parts.transcript.to_json_lines())
            self.emit(ContextRewritten(step=self.budget.steps, reason=done, transcript=lines))

    async def _summary(self, question: str) -> str | None:
        """What the model answers to a message that is not kept; its cost is."""
        opening = harmony.encoding().encode("<|start|>assistant", special=True)
        prompt = [*self.parts.transcript.segments[-1].tokens, *harmony.render_user(question), *opening]
        room = self.parts.engine.info.max_context - len(prompt)
        if room <= 0:
            return None
        step = await self._ask(prompt, min(room, self.budget.limits.final_tokens), 0)
        self.usage.discarded_tokens += len(step.token_ids)
        return step.completion.final or step.completion.analysis or None

    async def _force_final(self, end: _Ended) -> _Ended:
        """The final answer after a limit: the header of a final message is ours, the text the model's."""
        transcript = self.parts.transcript
        before = len(transcript.prompt())
        transcript.force_final()
        header = transcript.prompt()[before:]
        room = self.parts.engine.info.max_context - before - len(header)
        if room <= 0:
            return end
        step = await self._sample(min(room, self.budget.limits.final_tokens), 0, forced=header)
        texts = [m.text for m in self._accept(step).messages if m.channel == "final" and m.text]
        if texts:
            self.final, self.forced = texts[0], True
        if self.final is not None and self.parts.output:
            try:
                self.output = self.parts.output.read(self.final)
            except Unusable as error:
                self.notes.append(f"The forced answer has not the form that was asked for: {error}")
        return end

    def _emit_end(self, end: _Ended, files: Mapping[str, bytes]) -> None:
        self.usage.seconds = self.budget.seconds
        self.usage.tool_seconds = self.budget.tool_seconds
        self.emit(
            RunEnded(
                run_id=self.run_id,
                outcome=end.outcome,
                limit=end.limit,
                error=end.error,
                final=self.final,
                forced=self.forced,
                files={name: len(data) for name, data in files.items()},
                sampled_tokens=self.usage.sampled_tokens,
                seconds=self.budget.seconds,
            )
        )

    def _result(self, end: _Ended, files: Mapping[str, bytes]) -> RunResult:
        info = self.parts.workspace.info
        return RunResult(
            run_id=self.run_id,
            outcome=end.outcome,
            final=self.final,
            cited=cited(self.final, self.calls.tools),
            limit=end.limit,
            error=end.error,
            forced=self.forced,
            output=self.output,
            messages=tuple(self.messages),
            tool_calls=tuple(self.calls.done),
            files=files,
            usage=self.usage,
            repairs=dict(self.repairs),
            sandbox=info.description if info else None,
            notes=tuple(self.notes),
        )


def to_message(parsed: harmony.ParsedMessage) -> harmony.Message:
    """A parsed message as one of a conversation."""
    return harmony.Message(parsed.role, parsed.text, parsed.channel, parsed.recipient, parsed.content_type)


def _seed(seed: int, turn: int, step: int, attempt: int) -> int:
    """A seed of its own for each completion, so that sampling again gives something else, and the same each time."""
    return hash((seed, turn, step, attempt)) & 0x7FFF_FFFF
