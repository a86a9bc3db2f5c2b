"""Token ids of a completion to messages, while they arrive. Never raises on what a model wrote."""

import codecs
from collections.abc import Iterable, Sequence
from enum import Enum

from ossia.harmony._completion import (
    Completion,
    Discarded,
    DiscardReason,
    Event,
    MessageEnd,
    MessageStart,
    ParsedMessage,
    Repair,
    RepairKind,
    RepairMade,
    Stop,
    TextDelta,
)
from ossia.harmony._encoding import (
    CALL,
    CHANNEL,
    CONSTRAIN,
    END,
    ENDOFTEXT,
    FIRST_SPECIAL,
    MESSAGE,
    RETURN,
    START,
    encoding,
)
from ossia.harmony._header import Header, parse_header
from ossia.harmony._plain_text import Piece, is_header_like, split_plain_text
from ossia.harmony._recipients import Recipients
from ossia.types import TokenIds

_STOPS: dict[int, Stop] = {RETURN: "return", CALL: "call", ENDOFTEXT: "endoftext"}
_BODY_WORDS = 4
"""So many words that no header has, before another `<|channel|>`, are content whose `<|message|>` was forgotten."""


class _State(Enum):
    HEADER = 0
    CONTENT = 1
    BETWEEN = 2
    DONE = 3


class CompletionParser:
    """Parses one completion: everything after `<|start|>assistant`.

    `recipients`: what the declared tools answer to. `plain_text=False` makes no messages out of text in which control
    tokens leaked as words. `prefix`: ids that were forced before the completion; positions count from behind them.
    """

    def __init__(self, recipients: Iterable[str] = (), *, plain_text: bool = True, prefix: TokenIds = ()) -> None:
        self._recipients = Recipients(recipients)
        self._plain_text = plain_text
        self._bytes = encoding().bytes_of
        self._text_of = encoding().text_of
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._split = False
        """Bytes of an unfinished character wait in the decoder."""
        self._state = _State.HEADER
        self._position = -len(prefix)
        self._begin = self._position
        """Where the message under way, its header included, begins."""
        self._body = self._position
        self._role_given = True
        self._held: list[int] = []
        """Ids of the header, or of what stands between two messages."""
        self._header = Header()
        self._parts: list[str] = []
        self._after_call = False
        self._events: list[Event] = []
        self._messages: list[ParsedMessage] = []
        self._repairs: list[Repair] = []
        self._discarded: list[Discarded] = []
        self._stop: Stop | None = None
        self._completion: Completion | None = None
        self.feed(prefix)

    @property
    def done(self) -> bool:
        """Whether nothing that still comes can count: the completion was ended, or someone else began to speak."""
        return self._state is _State.DONE

    def feed(self, ids: Sequence[int]) -> list[Event]:
        """Take the next token ids, any number of them, and return what they brought."""
        if self._state is _State.CONTENT and not self._events:
            if len(ids) == 1:
                token = ids[0]
                if token < FIRST_SPECIAL and not self._split:
                    text = self._text_of[token]
                    if text is not None:
                        self._position += 1
                        self._parts.append(text)
                        return [TextDelta(text)]
            elif ids and max(ids) < FIRST_SPECIAL:
                self._content(ids)
                return self._take_events()
        self._feed_mixed(ids)
        return self._take_events()

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _feed_mixed(self, ids: Sequence[int]) -> None:
        start = 0
        for n, token in enumerate(ids):
            if token >= FIRST_SPECIAL:
                if n > start:
                    self._ordinary(ids[start:n])
                self._special(token)
                start = n + 1
        if start < len(ids):
            self._ordinary(ids[start:])

    def _ordinary(self, ids: Sequence[int]) -> None:
        if self._state is _State.CONTENT:
            self._content(ids)
        elif self._state is _State.DONE:
            self._position += len(ids)
        else:
            self._held.extend(ids)
            self._position += len(ids)

    def _content(self, ids: Sequence[int]) -> None:
        self._position += len(ids)
        text = self._decoder.decode(b"".join(map(self._bytes.__getitem__, ids)))
        self._split = bool(self._decoder.getstate()[0])
        if text:
            self._parts.append(text)
            self._events.append(TextDelta(text))

    # Control tokens

    def _special(self, token: int) -> None:
        at = self._position
        self._position += 1
        if self._state is _State.CONTENT:
            self._special_in_content(token, at)
        elif self._state is _State.HEADER:
            self._special_in_header(token, at)
        elif self._state is _State.BETWEEN:
            self._special_between(token, at)

    def _special_in_content(self, token: int, at: int) -> None:
        if token in (END, CALL, RETURN, ENDOFTEXT):
            if token == ENDOFTEXT:
                self._repair("endoftext", at)
            self._end_message(self._position, called=token == CALL)
            self._after_end(token)
        elif token in (START, CHANNEL):
            self._repair("missing_end", at)
            self._end_message(at)
            self._open_header(token, at)
        elif token == MESSAGE and not self._parts:
            self._repair("repeated_message", at)
        else:
            name = self._name(token)
            self._repair("stray_token", at, name)
            if token not in (MESSAGE, CONSTRAIN):
                self._parts.append(name)
                self._events.append(TextDelta(name))

    def _special_in_header(self, token: int, at: int) -> None:
        if token == MESSAGE:
            self._finish_header()
        elif token in (END, CALL, RETURN, ENDOFTEXT):
            self._close_unfinished(self._position, called=token == CALL)
            self._after_end(token)
        elif token == START:
            if self._only_role():
                self._repair("repeated_start", at)
                self._held = []
                self._role_given = False
            else:
                self._close_unfinished(at)
                self._open_header(token, at)
        elif token == CHANNEL and self._holds_body():
            self._close_unfinished(at)
            self._repair("missing_end", at)
            self._open_header(token, at)
        else:
            self._held.append(token)

    def _special_between(self, token: int, at: int) -> None:
        if token == START:
            self._close_between(at)
            self._open_header(token, at)
        elif token in (CHANNEL, MESSAGE, CONSTRAIN):
            self._resume_header(token, at)
        elif token in (END, CALL, RETURN, ENDOFTEXT):
            self._close_between(at)
            self._discard(at, self._position, "after_stop" if self._after_call else "between_messages")
            self._begin = self._position
            if not self._after_call:
                self._after_end(token)
        else:
            self._held.append(token)

    def _after_end(self, token: int) -> None:
        """What follows a token that ends messages."""
        self._stop = _STOPS.get(token)
        self._after_call = token == CALL
        self._state = _State.DONE if token in (RETURN, ENDOFTEXT) else _State.BETWEEN
        self._begin = self._position
        self._held = []

    # Headers

    def _open_header(self, token: int, at: int) -> None:
        """Begin a header at `<|start|>`, or at a `<|channel|>` that has none."""
        self._state = _State.HEADER
        self._begin = at
        self._stop = None
        self._after_call = False
        self._held = [] if token == START else [token]
        self._role_given = token != START

    def _resume_header(self, token: int, at: int) -> None:
        """A header without `<|start|>`: what stands before it is part of it where it reads like one."""
        held, begin = self._held, self._begin
        if held and not is_header_like(encoding().decode(held)):
            self._close_between(at)
            held, begin = [], at
        self._repair("missing_start", begin)
        self._state = _State.HEADER
        self._begin = begin
        self._stop = None
        self._after_call = False
        self._role_given = not encoding().decode(held).strip().startswith("assistant")
        self._held = held
        if token == MESSAGE:
            self._finish_header()
        else:
            self._held.append(token)

    def _only_role(self) -> bool:
        return encoding().decode(self._held).strip() in ("", "assistant")

    def _holds_body(self) -> bool:
        """Whether the header under way went on into content."""
        if len(self._held) < _BODY_WORDS:
            return False
        pieces = split_plain_text(self._held, self._plain_text)
        return len(pieces) > 1 or len(pieces[0].text.split()) >= _BODY_WORDS

    def _finish_header(self) -> None:
        """`<|message|>` has come."""
        text = encoding().decode(self._held)
        header = parse_header(text, self._recipients, role_given=self._role_given)
        if header.foreign:
            self._state = _State.DONE
            return
        self._start_message(header, self._position)

    def _start_message(self, header: Header, body: int) -> None:
        for kind, detail in header.repairs:
            self._repair(kind, self._begin, detail)
        self._header, self._body, self._parts, self._held = header, body, [], []
        self._state = _State.CONTENT
        self._events.append(MessageStart(header.channel, header.recipient, header.content_type, header.declared))

    def _end_message(self, stop: int, *, complete: bool = True, called: bool = False) -> None:
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        self._split = False
        if rest:
            self._parts.append(rest)
            self._events.append(TextDelta(rest))
        header = self._header
        recipient, declared = header.recipient, header.declared
        if recipient is None and called and header.suspect is not None:
            recipient, declared = header.suspect, False
            self._repair("recipient_as_channel", self._begin, header.suspect)
        message = ParsedMessage(
            channel=header.channel,
            recipient=recipient,
            content_type=header.content_type,
            text="".join(self._parts),
            complete=complete,
            declared=declared,
            start=self._begin,
            body=self._body,
            stop=stop,
        )
        self._messages.append(message)
        self._events.append(MessageEnd(message))
        self._parts = []

    # Text without a header, headers without a message

    def _close_unfinished(self, stop: int, *, complete: bool = True, called: bool = False) -> None:
        """A header that no `<|message|>` ended: take what it holds of content as messages."""
        held, begin, first_given = self._held, self._begin, self._role_given
        offset = stop - len(held) if complete is False else None
        del offset
        if not held or self._is_bare_header(held, called):
            if begin < stop:
                self._discard(begin, stop, "empty_header")
            self._held = []
            return
        if not first_given and parse_header(encoding().decode(held), self._recipients, role_given=False).foreign:
            self._state = _State.DONE
            return
        self._emit_pieces(held, begin, stop, complete=complete, called=called)

    def _is_bare_header(self, held: list[int], called: bool) -> bool:
        text = encoding().decode(held)
        if not is_header_like(text):
            return False
        if not called:
            return True
        return parse_header(text, self._recipients, role_given=self._role_given).recipient is None

    def _emit_pieces(self, held: list[int], begin: int, stop: int, *, complete: bool, called: bool) -> None:
        pieces = split_plain_text(held, self._plain_text)
        shift = self._position_of_held(stop, begin, len(held))
        for n, piece in enumerate(pieces):
            last = piece is pieces[-1]
            self._begin = begin if n == 0 else shift + piece.start
            self._emit_piece(piece, n, shift + piece.body)
            self._end_message(
                stop if last else shift + piece.stop, complete=complete or not last, called=called and last
            )
        self._held = []

    @staticmethod
    def _position_of_held(stop: int, begin: int, count: int) -> int:
        """Where the held ids begin: behind the `<|start|>` of their header, if it has one."""
        return begin + 1 if stop - begin > count + 1 else begin

    def _emit_piece(self, piece: Piece, n: int, body: int) -> None:
        header = parse_header(piece.header, self._recipients, role_given=True) if piece.led else Header()
        leaked = piece.led and not piece.marked
        self._repair("plain_text" if leaked else "missing_message", self._begin, piece.header.strip())
        header.repairs = [r for r in header.repairs if r[0] not in ("missing_channel_token", "repeated_start")]
        self._start_message(header, body)
        if piece.text:
            self._parts.append(piece.text)
            self._events.append(TextDelta(piece.text))

    def _close_between(self, at: int, *, complete: bool = True) -> None:
        """Text between two messages: blank or not, it is nobody's, unless messages leaked into it."""
        held, begin = self._held, self._begin
        self._held = []
        if begin < at:
            text = encoding().decode(held)
            if self._after_call or not text.strip():
                self._discard(begin, at, "after_stop" if self._after_call else "between_messages")
            else:
                self._repair("missing_start", begin)
                self._emit_pieces(held, begin, at, complete=complete, called=False)

    # Bookkeeping

    @staticmethod
    def _name(token: int) -> str:
        return encoding().decode([token])

    def _repair(self, kind: RepairKind, position: int, detail: str = "") -> None:
        repair = Repair(kind, position, detail)
        self._repairs.append(repair)
        self._events.append(RepairMade(repair))

    def _discard(self, start: int, stop: int, reason: DiscardReason) -> None:
        self._discarded.append(Discarded(start, stop, reason))

    def finish(self) -> Completion:
        """The whole completion, once no more ids come. May be called again; events that it brings are dropped."""
        if self._completion is None:
            self._completion = self._finish()
        return self._completion

    def _finish(self) -> Completion:
        truncated = self._stop is None and self._state is not _State.DONE
        end = self._position
        if self._state is _State.CONTENT:
            self._end_message(end, complete=False)
        elif self._state is _State.HEADER:
            self._close_unfinished(end, complete=False)
        elif self._state is _State.BETWEEN:
            self._close_between(end, complete=False)
        if self._state is _State.DONE and self._begin < end:
            self._discard(self._begin, end, "after_stop" if self._stop else "foreign_role")
        return Completion(
            messages=self._messages,
            repairs=self._repairs,
            discarded=self._discarded,
            truncated=truncated,
            stop=self._stop,
            tokens=end,
            kept=self._kept(),
        )

    def _kept(self) -> int:
        if not self._messages:
            return 0
        ended_by_endoftext = self._stop == "endoftext" and self._repairs and self._repairs[-1].kind == "endoftext"
        return self._messages[-1].stop - bool(ended_by_endoftext)


def parse_completion(
    ids: TokenIds, recipients: Iterable[str] = (), *, plain_text: bool = True, prefix: TokenIds = ()
) -> Completion:
    """Parse a whole completion: everything after `<|start|>assistant`, shape [n]. See `CompletionParser`."""
    parser = CompletionParser(recipients, plain_text=plain_text, prefix=prefix)
    parser.feed(ids)
    return parser.finish()
