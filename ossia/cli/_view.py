"""A turn as people see it in a terminal: analysis dim, cells highlighted, outputs, the answer."""

import re

from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from ossia.agent import events
from ossia.agent.result import RunResult
from ossia.tools.python import shorten

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STYLES = {"analysis": "dim", "commentary": "cyan", "final": "bold"}
_SHOWN_CHARS = 4_000


def printable(text: str) -> str:
    """`text` without control characters: what a model or its code wrote must not drive the terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


class View:
    """Prints events as they come."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._writing: str | None = None
        """The channel whose text is being streamed."""

    def show(self, event: events.Event) -> None:
        """Print what is new."""
        match event:
            case events.RunStarted(note=note, turn=1) if note:
                self._line(note, "yellow")
            case events.TextDelta(recipient=None):
                self._delta(event.channel or "final", event.text)
            case events.StepEnded():
                self._finish_line()
                if not event.kept:
                    self._line(f"[step {event.step + 1} is sampled again: {event.reason}]", "red")
            case events.SandboxOpened():
                self._line(f"sandbox: {event.description} ({event.seconds:.1f} s)", "green")
            case events.CallStarted():
                self._call(event)
            case events.CallEnded():
                self._result(event)

    def summary(self, result: RunResult) -> None:
        """The line below a turn: what it took and how it ended."""
        usage = result.usage
        parts = [
            f"{usage.steps} step{'s' * (usage.steps != 1)}",
            f"{usage.sampled_tokens} tokens",
            f"{usage.seconds:.1f} s",
        ]
        if result.repairs:
            parts.append("repairs: " + ", ".join(f"{kind} x{count}" for kind, count in result.repairs.items()))
        if result.files:
            parts.append(f"{len(result.files)} file{'s' * (len(result.files) != 1)}")
        parts.append(f"run {result.run_id}")
        if result.outcome != "final":
            reason = result.error or (f"the limit {result.limit!r} was reached" if result.limit else "")
            self._line(f"no final answer: {result.outcome}{': ' if reason else ''}{reason}", "red")
        for note in result.notes:
            self._line(note, "yellow")
        self._line(" · ".join(parts), "dim")

    def _delta(self, channel: str, text: str) -> None:
        if self._writing != channel:
            self._finish_line()
            self._label(channel)
            self._writing = channel
        self._console.print(Text(printable(text), _STYLES.get(channel, "")), end="", soft_wrap=True)

    def _call(self, event: events.CallStarted) -> None:
        self._label(event.recipient)
        language = "python" if event.recipient == "python" else "json"
        text = printable(shorten(event.arguments, _SHOWN_CHARS))
        self._console.print(Padding(Syntax(text, language, background_color="default", word_wrap=True), (0, 0, 0, 2)))

    def _result(self, event: events.CallEnded) -> None:
        self._label("output" if not event.error else "output (error)")
        text = printable(shorten(event.text.rstrip("\n"), _SHOWN_CHARS))
        self._console.print(Padding(Text(text, "red" if event.error else ""), (0, 0, 0, 2)))

    def _label(self, name: str) -> None:
        self._console.print(Text(f"{printable(name)}: ", "bold blue"), end="" if name in _STYLES else "\n")

    def _line(self, text: str, style: str) -> None:
        self._finish_line()
        self._console.print(Text(printable(text), style), soft_wrap=True)

    def _finish_line(self) -> None:
        if self._writing is not None:
            self._console.print()
            self._writing = None
