"""What the parser has found so far: the message under way, finished ones, repairs, and the events they make."""

import codecs
from collections.abc import Sequence

from ossia.harmony._completion import (
    Discarded,
    DiscardReason,
    Event,
    MessageEnd,
    MessageStart,
    ParsedMessage,
    Repair,
    RepairKind,
    RepairMade,
    TextDelta,
)
from ossia.harmony._encoding import encoding
from ossia.harmony._header import Header

_LONGEST_DETAIL = 200


class Record:
    """Collects a completion. Positions are indices of tokens in it."""

    def __init__(self) -> None:
        self.messages: list[ParsedMessage] = []
        self.repairs: list[Repair] = []
        self.discarded: list[Discarded] = []
        self.events: list[Event] = []
        self.header = Header()
        self.parts: list[str] = []
        """The content under way, as text."""
        self.ids: list[int] = []
        """The content under way, as token ids."""
        self.split = False
        """Bytes of an unfinished character wait in the decoder."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._bytes = encoding().bytes_of
        self._start = self._body = 0

    def take_events(self) -> list[Event]:
        """The events since the last call."""
        events, self.events = self.events, []
        return events

    def repair(self, kind: RepairKind, position: int, detail: str = "") -> None:
        """Note a repair."""
        repair = Repair(kind, position, detail[:_LONGEST_DETAIL])
        self.repairs.append(repair)
        self.events.append(RepairMade(repair))

    def discard(self, start: int, stop: int, reason: DiscardReason) -> None:
        """Note that tokens `[start, stop)` are in no message."""
        if start < stop:
            self.discarded.append(Discarded(start, stop, reason))

    def open(self, header: Header, start: int, body: int) -> None:
        """A message begins whose header is tokens `[start, body)`."""
        for kind, detail in header.repairs:
            self.repair(kind, start, detail)
        self.header, self._start, self._body = header, start, body
        self.parts, self.ids = [], []
        self.events.append(MessageStart(header.channel, header.recipient, header.content_type, header.declared))

    def content(self, ids: Sequence[int]) -> None:
        """More content, as ordinary token ids."""
        self.ids.extend(ids)
        text = self._decoder.decode(b"".join(map(self._bytes.__getitem__, ids)))
        self.split = bool(self._decoder.getstate()[0])
        self.text(text)

    def text(self, text: str) -> None:
        """More content, as text."""
        if text:
            self.parts.append(text)
            self.events.append(TextDelta(text))

    def flush(self) -> None:
        """No more content comes: a character that was not finished becomes U+FFFD."""
        if self.split:
            self.text(self._decoder.decode(b"", final=True))
            self._decoder.reset()
            self.split = False

    def close(self, stop: int, *, complete: bool, called: bool, text: str | None = None) -> None:
        """The message ends before token `stop`. `called`: by `<|call|>`; `text`: what of its content is its own."""
        header = self.header
        recipient, declared = header.recipient, header.declared
        if recipient is None and called and header.suspect is not None:
            recipient, declared = header.suspect, False
            self.repair("recipient_as_channel", self._start, header.suspect)
        message = ParsedMessage(
            channel=header.channel,
            recipient=recipient,
            content_type=header.content_type,
            text="".join(self.parts) if text is None else text,
            complete=complete,
            declared=declared,
            start=self._start,
            body=self._body,
            stop=stop,
        )
        self.messages.append(message)
        self.events.append(MessageEnd(message))
        self.parts, self.ids = [], []

    @property
    def body(self) -> int:
        """Where the content under way begins."""
        return self._body
