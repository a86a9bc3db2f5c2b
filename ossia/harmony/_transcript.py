"""The token ids of a session: what was rendered, and what was sampled exactly as it was sampled."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ossia.errors import OssiaError, UserError
from ossia.harmony._completion import Completion
from ossia.harmony._config import PromptConfig, RenderOptions
from ossia.harmony._encoding import CALL, CHANNEL, END, MESSAGE, RETURN, START, encoding
from ossia.harmony._messages import Message
from ossia.harmony._parser import parse_completion
from ossia.harmony._prompt import developer_text, system_text
from ossia.harmony._render import check_config, render_message
from ossia.harmony._segment import Entry, Prompt, Segment
from ossia.types import Channel, TokenIds


class Transcript:
    """Token ids of a session, in segments. Within one, prompt n+1 begins with prompt n and completion n.

    Appending costs what is appended. Only `rewrite` begins a new segment.
    """

    def __init__(self, options: RenderOptions, recipients: Iterable[str], segments: list[Segment]) -> None:
        self._options = options
        self._recipients = tuple(recipients)
        self._segments = segments
        self._forced: list[int] = []
        self._turn = max((e.turn for e in segments[-1].entries), default=0)

    @classmethod
    def start(cls, config: PromptConfig, history: Sequence[Message] = ()) -> "Transcript":
        """A transcript that begins with the system and developer messages of `config`, and `history` after them (of
        which the analysis that the options keep).

        Raises `UserError` on a config that can't be rendered.
        """
        check_config(config)
        transcript = cls(config.options, config.recipients, [Segment("start")])
        transcript.append(Message("system", system_text(config)))
        if (text := developer_text(config)) is not None:
            transcript.append(Message("developer", text))
        for message in history:
            transcript.append(message)
        if history and transcript.drop_analysis():
            # Nothing was sampled yet: what the history's analysis cost is no segment of its own.
            transcript._segments = [replace(transcript._current, reason="start")]
        return transcript

    @property
    def segments(self) -> Sequence[Segment]:
        """All segments, the first one first; the last is the one that grows."""
        return tuple(self._segments)

    @property
    def entries(self) -> Sequence[Entry]:
        """The messages of the current segment."""
        return tuple(self._current.entries)

    @property
    def recipients(self) -> tuple[str, ...]:
        """Every recipient that its declared tools answer to."""
        return self._recipients

    @property
    def turn(self) -> int:
        """Number of user messages so far."""
        return self._turn

    @property
    def _current(self) -> Segment:
        return self._segments[-1]

    def __len__(self) -> int:
        return len(self._current.tokens)

    def prompt(self) -> Prompt:
        """What the model is asked to continue: all token ids, `<|start|>assistant`, and what was forced."""
        return Prompt(self._current.tokens, [START, *encoding().encode("assistant"), *self._forced])

    def append(self, message: Message) -> None:
        """Render a message at the end. Raises `UserError` while forced ids wait for their completion."""
        if self._forced:
            raise UserError("ids were forced and no completion has followed them; append the completion first")
        self._turn += message.role == "user"
        self._render(self._current, message)

    def append_user(self, text: str) -> None:
        """A user message: a new turn."""
        self.append(Message("user", text))

    def append_tool(self, recipient: str, text: str, channel: Channel = "commentary") -> None:
        """A tool's result, on the channel of the call."""
        self.append(Message("tool", text, channel, name=recipient))

    def force(self, ids: TokenIds) -> None:
        """Put token ids into the model's mouth: they follow `<|start|>assistant`, and the next completion follows
        them."""
        self._forced.extend(ids)

    def force_final(self) -> None:
        """Let the next completion be the text of a final answer."""
        self.force([CHANNEL, *encoding().encode("final"), MESSAGE])

    def append_completion(self, ids: TokenIds, completion: Completion | None = None) -> None:
        """What the model sampled: everything after `<|start|>assistant` and what was forced, shape [n].

        `<|return|>` is kept as `<|end|>`. A completion that was cut off gets an `<|end|>`, as ours. `completion` spares
        a second parse; give `ids[:completion.kept]` to leave out what a foreign role said.
        """
        segment, forced = self._current, self._forced
        self._forced = []
        if not ids and not forced:
            return
        start = len(segment.tokens)
        segment.extend([START, *encoding().encode("assistant")], "rendered")
        segment.extend(forced, "forced")
        base = len(segment.tokens)
        segment.extend([END if i == RETURN else i for i in ids], "sampled")
        segment.returns.extend(base + n for n, i in enumerate(ids) if i == RETURN)
        if segment.tokens[-1] not in (END, CALL):
            segment.extend([END], "rendered")
        parsed = completion or parse_completion(ids, self._recipients, prefix=forced)
        self._enter(segment, parsed, start, base, len(ids))

    def _enter(self, segment: Segment, parsed: Completion, start: int, base: int, count: int) -> None:
        """Note the messages of a completion, the first of which begins at `start` and not at its first sampled id."""
        messages = [m for m in parsed.messages if m.body <= count]
        for n, m in enumerate(messages):
            begin = start if n == 0 else base + m.start
            stop = len(segment.tokens) if m is messages[-1] else base + m.stop
            segment.entries.append(Entry("assistant", m.channel, m.recipient, begin, stop, self._turn))

    def _render(self, segment: Segment, message: Message) -> None:
        start = len(segment.tokens)
        segment.extend(render_message(message, self._options), "rendered")
        channel = message.channel
        if message.role == "assistant" and channel is None:
            channel = "commentary" if message.recipient else "final"
        segment.entries.append(
            Entry(message.role, channel, message.recipient, start, len(segment.tokens), self._turn, message.name)
        )

    def rewrite(self, reason: str, parts: Iterable[Entry | Message]) -> None:
        """Begin a new segment that holds `parts`: messages of the current one as they are, new ones rendered.

        Raises `UserError` on an entry of another segment.
        """
        old, new = self._current, Segment(reason)
        known = set(old.entries)
        for part in parts:
            if isinstance(part, Message):
                self._render(new, part)
            elif part in known:
                self._carry(old, new, part)
            else:
                raise UserError("an entry given to rewrite is not of the current segment; take it from `entries`")
        self._segments.append(new)

    @staticmethod
    def _carry(old: Segment, new: Segment, entry: Entry) -> None:
        start = len(new.tokens)
        for run in old.origins(entry.start, entry.stop):
            origin = "carried" if run.origin == "sampled" else run.origin
            new.extend(old.tokens[run.start : run.stop], origin)
        new.entries.append(replace(entry, start=start, stop=len(new.tokens)))

    def text(self, entry: Entry) -> str:
        """The content of a message of the current segment."""
        ids = self._current.tokens[entry.start : entry.stop].tolist()
        body = ids.index(MESSAGE) + 1 if MESSAGE in ids else 0
        stop = len(ids) - (ids[-1] in (END, CALL))
        return encoding().decode(ids[body:stop])

    def drop_analysis(self) -> bool:
        """Drop the analysis that the options say is over, by a rewrite; call it when a turn's final stands.

        Returns whether there was any.
        """
        policy = self._options.analysis
        if policy == "all":
            return False
        entries = self._current.entries
        finished = sorted({e.turn for e in entries if e.is_final})
        over = set(finished[: max(0, len(finished) - (0 if policy == "turn" else policy))])
        kept = [e for e in entries if not (e.is_analysis and e.turn in over)]
        if len(kept) == len(entries):
            return False
        self.rewrite("analysis dropped", kept)
        return True

    def to_json_lines(self) -> Iterator[str]:
        """One line of JSON for each segment; the last one says how to go on."""
        options = self._options
        state = {
            "options": {"header": options.header, "tools": options.tools, "analysis": options.analysis},
            "recipients": self._recipients,
            "turn": self._turn,
            "forced": self._forced,
        }
        for segment in self._segments:
            last = segment is self._current
            line = segment.to_json() | ({"state": state} if last else {})
            yield json.dumps(line, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json_lines(cls, lines: Iterable[str]) -> "Transcript":
        """The transcript that `to_json_lines` wrote."""
        raw = [json.loads(line) for line in lines]
        state = raw[-1]["state"]
        segments = [Segment.from_json(segment) for segment in raw]
        transcript = cls(RenderOptions(**state["options"]), state["recipients"], segments)
        transcript._turn, transcript._forced = state["turn"], state["forced"]
        return transcript


class NotAnExtension(OssiaError):
    """A prompt does not begin with the prompt and completion before it: a fault of ours, never the model's."""


def check_extends(before: TokenIds, completion: TokenIds, after: TokenIds) -> None:
    """Raise `NotAnExtension` unless prompt `after` begins with prompt `before` and `completion` (`<|return|>` kept as
    `<|end|>`): the invariant of a segment, for assertions in production. Costs O(n)."""
    expected = [*before, *(END if i == RETURN else i for i in completion)]
    got = list(after[: len(expected)])
    if got != expected:
        at = next((n for n, (a, b) in enumerate(zip(got, expected, strict=False)) if a != b), len(got))
        raise NotAnExtension(f"the next prompt departs from the one before it at token {at} of {len(expected)}")
