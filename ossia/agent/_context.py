"""What to do when the context is nearly full: fail, drop old tool output, or go on from a summary."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from ossia import harmony

Overflow = Literal["fail", "drop_tool_output", "summarise"]
"""fail: the turn ends with limit `context`; drop_tool_output: the oldest tool results are replaced by a line;
summarise: the model sums up its work, and goes on from the task and the summary."""

SMALL_RESULT = 64
"""Token ids of a tool result that is not worth dropping."""

SUMMARISE = (
    "The conversation no longer fits. Write down, for yourself, everything that is needed to finish the task without "
    "seeing the conversation again: what was asked, what was done, what was found (numbers, names, paths, exactly), "
    "what is left to do. Do not call a tool."
)


@dataclass(frozen=True, slots=True)
class Room:
    """The token ids that a context has left, and how many there should be."""

    maximum: int
    """Token ids that prompt and completion may have together."""

    @property
    def reserve(self) -> int:
        """Below so many free token ids, room is made."""
        return min(4096, self.maximum // 8)

    @property
    def target(self) -> int:
        """Length of the prompt once room was made."""
        return self.maximum * 6 // 10


async def make_room(
    policy: Overflow,
    transcript: harmony.Transcript,
    room: Room,
    summarise: Callable[[str], Awaitable[str | None]],
) -> str | None:
    """Make room in `transcript` by a rewrite, if it has too little; what was done, in words, or None.

    `summarise` samples the model's answer to a message behind the transcript, without keeping either.
    """
    if policy == "fail" or room.maximum - len(transcript) >= room.reserve:
        return None
    if policy == "drop_tool_output":
        dropped = _drop_tool_output(transcript, room.target)
        return f"the output of {dropped} old calls was dropped to make room" if dropped else None
    summary = await summarise(SUMMARISE)
    if summary is None:
        return None
    _go_on_from(transcript, summary)
    return "the conversation was replaced by the model's summary to make room"


def _drop_tool_output(transcript: harmony.Transcript, target: int) -> int:
    length, dropped = len(transcript), 0
    parts: list[harmony.Entry | harmony.Message] = []
    for entry in transcript.entries:
        size = entry.stop - entry.start
        if length > target and entry.role == "tool" and size > SMALL_RESULT:
            text = f"[This output, {size:,} tokens, was dropped to make room.]"
            parts.append(harmony.Message("tool", text, entry.channel, name=entry.name))
            length -= size - SMALL_RESULT // 2
            dropped += 1
        else:
            parts.append(entry)
    if dropped:
        transcript.rewrite("tool output dropped", parts)
    return dropped


def _go_on_from(transcript: harmony.Transcript, summary: str) -> None:
    kept = [e for e in transcript.entries if e.role in ("system", "developer", "user")]
    text = f"What you have done so far, in your own words:\n\n{summary}\n\nGo on from there."
    transcript.rewrite("summarised", [*kept, harmony.Message("user", text)])
