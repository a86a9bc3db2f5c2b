"""Which calls the model may make by itself, which a person is asked about, and which it may not make."""

import difflib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias, get_args

from ossia.errors import UserError
from ossia.tools.functions.bugs import describe, trace
from ossia.tools.functions.calling import invoke
from ossia.tools.protocol import ToolResult
from ossia.types import Scalar

Rule: TypeAlias = Literal["allow", "ask", "deny"]


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A call that the model wants to make."""

    recipient: str
    arguments: str
    """As the model wrote them: JSON, or code."""
    session_id: str = ""


Approve: TypeAlias = Callable[[PendingCall], Awaitable[bool | str] | bool | str]
"""Asks a person: True: go on; False: no; a text: no, and why, for the model to read. Runs in a thread if not async."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of a call."""

    decision: Literal["allowed", "approved", "denied", "refused"]
    """allowed or denied by a rule; approved or refused by a person (or for want of one)."""
    refusal: ToolResult | None = None
    """What the model is answered in place of the tool; None: let the tool answer."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Rules by recipient, and whom to ask.

    ```python
    Approval({"*": "allow", "container.exec": "ask", "functions.send_*": "deny"}, approve=ask_me)
    ```
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)
    """Globs over recipients. Of those that match, the last one counts; where none does, `default`."""
    approve: Approve | None = None
    """Asked where the rule is "ask"; None: there is nobody to ask, so that such calls are refused."""
    default: Rule = "allow"

    def __post_init__(self) -> None:
        for glob, rule in {**self.rules, "default": self.default}.items():
            if rule not in get_args(Rule):
                raise UserError(f"Approval: {glob!r} is {rule!r}: say allow, ask or deny.")

    def rule(self, recipient: str) -> Rule:
        """The rule for a call to `recipient`."""
        found = [rule for glob, rule in self.rules.items() if fnmatchcase(recipient, glob)]
        return found[-1] if found else self.default

    def check(self, recipients: Iterable[str]) -> None:
        """Raise `UserError` where a glob matches none of the declared recipients: a rule that was misspelt protects
        nothing."""
        known = list(recipients)
        for glob in self.rules:
            if not any(fnmatchcase(recipient, glob) for recipient in known):
                near = difflib.get_close_matches(glob, known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise UserError(
                    f"Approval: {glob!r} matches no tool. The tools are: {', '.join(known) or 'none'}.{hint}"
                )

    async def judge(self, call: PendingCall) -> Verdict:
        """Decide on a call, asking where the rules say so. Whatever goes wrong while asking refuses it."""
        match self.rule(call.recipient):
            case "allow":
                return Verdict("allowed")
            case "deny":
                text = f"Calls to {call.recipient} are not allowed here. Go on without it."
                return Verdict("denied", _refusal(text, "denied"))
            case _:
                return await self._ask(call)

    async def _ask(self, call: PendingCall) -> Verdict:
        if self.approve is None:
            text = f"Calls to {call.recipient} need a person's approval, and nobody is here to give it."
            return Verdict("refused", _refusal(text, "nobody"))
        try:
            answer = await invoke(self.approve, call)
        except Exception as error:  # noqa: BLE001 (the boundary to the user's callback: a call it failed on is refused)
            text = f"Approval for this call of {call.recipient} could not be asked for: {describe(error)}"
            return Verdict("refused", _refusal(text, "bug", bug=True, traceback=trace(error)))
        if answer is True:
            return Verdict("approved")
        reason = f": {answer}" if isinstance(answer, str) and answer else "."
        return Verdict("refused", _refusal(f"The user did not allow this call of {call.recipient}{reason}", "refused"))


def _refusal(text: str, approval: str, **more: Scalar) -> ToolResult:
    return ToolResult(text, error=True, details={"status": "refused", "approval": approval, **more})
