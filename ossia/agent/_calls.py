"""The calls of a turn: approved, counted, journaled before and after, answered."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ossia import harmony
from ossia.agent.events import CallEnded, CallStarted, Event
from ossia.agent.journal import digest
from ossia.agent.limits import Budget
from ossia.agent.result import ToolCall
from ossia.tools.approval import Approval, PendingCall
from ossia.tools.protocol import Image, OpenTool, ToolResult

HINT_AFTER = 3
"""So many equal calls with equal answers in a row, and the model is told."""
LOOP_AFTER = 6
"""So many, and the turn ends with outcome `loop`."""


@dataclass(slots=True)
class Calls:
    """Executes the calls of one turn and remembers them."""

    tools: Mapping[str, OpenTool]
    approval: Approval
    session_id: str
    emit: Callable[[Event], None]
    keep: Callable[[bytes], str]
    """Stores bytes and returns their name in the journal."""
    turn: int
    done: list[ToolCall] = field(default_factory=list)
    images: dict[str, bytes] = field(default_factory=dict)
    seconds: float = 0.0
    prefix: str = ""
    """Text to put before the next result, such as that state was lost when a run was resumed."""
    _equal: int = 0
    """How many calls in a row were like the last one, it included."""

    @property
    def looping(self) -> bool:
        """True when the model calls the same thing again and again, and gets the same answer."""
        return self._equal >= LOOP_AFTER

    async def execute(self, call: harmony.ParsedMessage, step: int, budget: Budget) -> str:
        """Let the tool act; the text that the model is shown."""
        recipient, channel, number = call.recipient or "", call.channel or "commentary", len(self.done)
        self.emit(CallStarted(step=step, call=number, recipient=recipient, channel=channel, arguments=call.text))
        started = time.monotonic()
        result, decision = await self._result(recipient, call.text)
        seconds = time.monotonic() - started
        budget.tool_calls += 1
        budget.tool_seconds += seconds
        text = self.prefix + result.text
        self.prefix = ""
        self._compare(ToolCall(recipient, call.text, text, result.error, seconds))
        text = self._hinted(text)
        self.done[-1] = ToolCall(recipient, call.text, text, result.error, seconds)
        self.emit(
            CallEnded(
                step=step,
                call=number,
                recipient=recipient,
                text=text,
                output=digest(result.text.encode()),
                error=result.error,
                images=tuple(self._keep_image(image) for image in result.images),
                details={"approval": decision, **result.details},
                seconds=seconds,
            )
        )
        return text

    async def _result(self, recipient: str, arguments: str) -> tuple[ToolResult, str]:
        """What the tool says, or what is said in its place; and how the call was decided on."""
        tool = self.tools.get(recipient)
        if tool is None:
            return self._undeclared(recipient), "undeclared"
        verdict = await self.approval.judge(PendingCall(recipient, arguments, self.session_id))
        if verdict.refusal is not None:
            return verdict.refusal, verdict.decision
        return await tool.call(recipient, arguments), verdict.decision

    def _compare(self, call: ToolCall) -> None:
        before = self.done[-1] if self.done else None
        same = (
            before is not None
            and (before.recipient, before.arguments) == (call.recipient, call.arguments)
            and before.text.removesuffix(_hint(self._equal)) == call.text
        )
        self._equal = self._equal + 1 if same else 1
        self.done.append(call)

    def _hinted(self, text: str) -> str:
        return text + _hint(self._equal)

    def _keep_image(self, image: Image) -> str:
        name = f"image-{self.turn}-{len(self.images) + 1}.{image.mime.removeprefix('image/')}"
        self.images[name] = image.data
        return self.keep(image.data)

    def _undeclared(self, recipient: str) -> ToolResult:
        known = ", ".join(sorted(self.tools)) or "none"
        return ToolResult(f"There is no tool called {recipient!r}. The tools are: {known}.", error=True)


def _hint(equal: int) -> str:
    """What the model is told once it has made the same call `equal` times with the same answer."""
    if equal < HINT_AFTER:
        return ""
    return f"\n[This was the same call, with the same answer, {equal} times in a row. Try something else, or answer.]"
