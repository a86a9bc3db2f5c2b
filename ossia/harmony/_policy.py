"""Which completions are repaired, which are sampled again, and which are answered with an error, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from ossia.harmony._completion import Completion

Condition = Literal[
    "empty",
    "no_action",
    "call_without_recipient",
    "truncated",
    "undeclared_call",
    "bad_arguments",
    "repaired",
    "well_formed",
]
"""What a completion is, the worst that applies: nothing in it; neither a call nor a final; ended by `<|call|>` but
naming nobody; cut off; a call to something undeclared; a call whose arguments can't be used (known only once they are
parsed); understood after repairs; nothing wrong."""

Action = Literal["accept", "resample", "answer", "stop"]
"""accept: go on with what was understood. resample: sample again from the same prompt, nothing of the failed completion
kept. answer: append the completion and tell the model what was wrong. stop: end the run."""

DEFAULT_ACTIONS: Final[Mapping[Condition, Action]] = {
    "empty": "resample",
    "no_action": "resample",
    "call_without_recipient": "resample",
    "truncated": "stop",
    "undeclared_call": "answer",
    "bad_arguments": "answer",
    "repaired": "accept",
    "well_formed": "accept",
}


@dataclass(frozen=True, slots=True)
class ResamplePolicy:
    """What to do about each condition, and how often to sample again."""

    attempts: int = 10
    """Completions sampled again at one step, at most; then the run ends as malformed."""
    actions: Mapping[Condition, Action] = field(default_factory=lambda: DEFAULT_ACTIONS)

    def action(self, condition: Condition, attempt: int) -> Action:
        """What to do about a completion of this condition, `attempt` of which (counted from 0) came before it."""
        action = self.actions.get(condition, DEFAULT_ACTIONS[condition])
        return "stop" if action == "resample" and attempt >= self.attempts else action


def diagnose(completion: Completion) -> Condition:
    """The condition of a completion; `bad_arguments` is for who parses the arguments to find."""
    complete_calls = [m for m in completion.calls if m.complete]
    if not complete_calls and completion.truncated and not _has_complete_final(completion):
        return "truncated"
    if any(not call.declared for call in complete_calls):
        return "undeclared_call"
    if not complete_calls and completion.final is None:
        if completion.stop == "call":
            return "call_without_recipient"
        return "no_action" if completion.messages else "empty"
    return "repaired" if completion.repairs or completion.discarded else "well_formed"


def _has_complete_final(completion: Completion) -> bool:
    finals = [m for m in completion.messages if m.channel == "final" and m.recipient is None and m.text.strip()]
    return bool(finals) and finals[-1].complete
