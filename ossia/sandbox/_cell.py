"""One cell: what the kernel's messages say of it, taken as untrusted text and bounded once more."""

import asyncio
import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from ossia.sandbox._supervisor.capped import HeadTail
from ossia.sandbox.protocol import CellError, CellOutput, Display, Stream

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|\x1b")
REPLY_GRACE = 0.5
"""Seconds between a cell's last message and its reply, which come by different ways; microseconds where all is well."""
_IMAGES = ("image/png", "image/jpeg")


def clean(value: object) -> str:
    """`value` as text without terminal escapes and without code points that UTF-8 cannot hold."""
    text = value if isinstance(value, str) else str(value)
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def left_out(size: int) -> str:
    """What stands in an output where its middle was dropped."""
    return f"\n[... {size:,} bytes of output left out ...]\n"


class Cell:
    """Collects the outputs of the cell with this message id; `finished` is set when it has ended."""

    def __init__(self, message_id: str, cap: int) -> None:
        self.message_id = message_id
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.failed = False
        self.dropped_by_relay = 0
        self._cap = cap
        self._kept: HeadTail[CellOutput] = HeadTail(cap)
        self._outputs: list[CellOutput] = []
        self._idle = False
        self._replied = False
        self._interrupted = False
        self._kinds: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "stream": self._stream,
            "execute_result": lambda content: self._display(content, result=True),
            "display_data": lambda content: self._display(content, result=False),
            "error": self._error,
            "status": self._status,
        }

    def take(self, kind: str, content: Mapping[str, Any]) -> None:
        """A message of the iopub channel. May raise what malformed content raises."""
        if handler := self._kinds.get(kind):
            handler(content)

    def reply(self, content: Mapping[str, Any]) -> None:
        """The `execute_reply`."""
        self.failed = content.get("status") != "ok"
        self._replied = True
        self._finish_if_done()

    def mark_interrupted(self) -> None:
        """An interrupt is being sent to it."""
        self._interrupted = True
        self._expect_reply()

    def mark_dropped(self, size: int) -> None:
        """The relay left out `size` bytes here."""
        self.dropped_by_relay += size
        self._outputs.append(Stream("stdout", left_out(size)))

    def finish(self) -> None:
        """It has ended, whatever is still missing."""
        if not self.finished.done():
            self.finished.set_result(None)

    def results(self) -> tuple[tuple[CellOutput, ...], int]:
        """The outputs, neighbouring text of one stream joined, and how many bytes were dropped."""
        joined: list[CellOutput] = []
        text: list[str] = []
        name: Literal["stdout", "stderr"] | None = None

        def flush() -> None:
            if name and text:
                joined.append(Stream(name, "".join(text)))
                text.clear()

        gap = [Stream("stdout", left_out(self._kept.dropped))] if self._kept.dropped else []
        for output in (*self._outputs, *gap, *self._kept.rest()):
            if isinstance(output, Stream):
                if output.name != name:
                    flush()
                    name = output.name
                text.append(output.text)
            else:
                flush()
                joined.append(output)
        flush()
        return tuple(joined), self._kept.dropped + self.dropped_by_relay

    def _keep(self, output: CellOutput, size: int) -> None:
        if self._kept.offer(output, size):
            self._outputs.append(output)

    def _stream(self, content: Mapping[str, Any]) -> None:
        text = clean(content["text"])
        if text:
            self._keep(Stream("stderr" if content["name"] == "stderr" else "stdout", text), len(text.encode()))

    def _display(self, content: Mapping[str, Any], *, result: bool) -> None:
        kept: dict[str, str | bytes] = {}
        data = content["data"]
        if "text/plain" in data:
            kept["text/plain"] = clean(data["text/plain"])
        for mime in _IMAGES:
            if mime in data:
                try:
                    kept[mime] = base64.b64decode(data[mime], validate=False)
                except (binascii.Error, ValueError):
                    continue
        if kept:
            size = sum(len(v) if isinstance(v, bytes) else len(v.encode()) for v in kept.values())
            self._keep(Display(kept, result), size)

    def _error(self, content: Mapping[str, Any]) -> None:
        trace = "\n".join(clean(line) for line in content["traceback"])
        error = CellError(clean(content["ename"]), clean(content["evalue"]), trace)
        self._keep(error, len(trace.encode()) + len(error.value.encode()))

    def _status(self, content: Mapping[str, Any]) -> None:
        if content["execution_state"] == "idle":
            self._idle = True
            self._finish_if_done()
            self._expect_reply()

    def _finish_if_done(self) -> None:
        if self._idle and self._replied:
            self.finish()

    def _expect_reply(self) -> None:
        """A kernel that was interrupted just when it was about to reply says that it is idle, and never replies."""
        if self._idle and self._interrupted and not self._replied:
            asyncio.get_running_loop().call_later(REPLY_GRACE, self._finish_without_reply)

    def _finish_without_reply(self) -> None:
        if not self.finished.done():
            self.failed = True
            name = "KeyboardInterrupt"
            self._keep(CellError(name, "", name), len(name))
            self.finish()
