"""Token ids of a completion to messages, while they arrive. Never raises on what a model wrote."""

from collections.abc import Iterable, Sequence
from enum import Enum

from ossia.harmony._completion import Completion, DiscardReason, Event, Stop, TextDelta
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
from ossia.harmony._plain_text import Piece, has_leak, is_header_like, split_content, split_unheaded
from ossia.harmony._recipients import Recipients
from ossia.harmony._record import Record
from ossia.types import TokenIds

_STOPS: dict[int, Stop] = {RETURN: "return", CALL: "call", ENDOFTEXT: "endoftext"}
_ENDS = frozenset({END, CALL, RETURN, ENDOFTEXT})
_BODY_WORDS = 4
"""So many words that no header has, before another `<|channel|>`, are content whose `<|message|>` was forgotten."""
_LONGEST_HEADER = 64
"""Tokens after which a `<|channel|>` is no more part of the header before it: what comes of a model that repeats it."""


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
        self._encoding = encoding()
        self._text_of = self._encoding.text_of
        self._record = Record()
        self._state = _State.HEADER
        self._position = -len(prefix)
        self._begin = self._position
        """Where the header under way, or what stands between two messages, begins."""
        self._held: list[int] = []
        """Ids of the header (its `<|start|>` left out), or of what stands between two messages."""
        self._held_at = self._position
        """Where `_held` begins."""
        self._role_given = True
        self._stop: Stop | None = None
        self._stop_before: Stop | None = None
        """What ended the message before the header under way."""
        self._left: DiscardReason = "after_stop"
        """Why what comes once all is done is in no message."""
        self._completion: Completion | None = None
        self._feed(prefix)
        self._record.take_events()

    @property
    def done(self) -> bool:
        """Whether nothing that still comes can count: the completion was ended, or someone else began to speak."""
        return self._state is _State.DONE

    def feed(self, ids: Sequence[int]) -> list[Event]:
        """Take the next token ids, any number of them, and return what they brought."""
        record = self._record
        if self._state is _State.CONTENT:
            if len(ids) == 1:
                token = ids[0]
                # One token at a time is how engines stream: its text comes out of a table.
                if token < FIRST_SPECIAL and not record.split and (text := self._text_of[token]):
                    self._position += 1
                    record.parts.append(text)
                    record.ids.append(token)
                    return [TextDelta(text)]
            elif ids and max(ids) < FIRST_SPECIAL:
                self._position += len(ids)
                record.content(ids)
                return record.take_events()
        self._feed(ids)
        return record.take_events()

    def close(self) -> list[Event]:
        """Say that no more ids come, and return what that brings: the end of a message that was cut off, text that
        could still have become a header."""
        if self._completion is None:
            self._completion = self._close()
        return self._record.take_events()

    def finish(self) -> Completion:
        """The whole completion; says that no more ids come, if `close` has not."""
        if self._completion is None:
            self._completion = self._close()
        return self._completion

    def _feed(self, ids: Sequence[int]) -> None:
        start = 0
        for n, token in enumerate(ids):
            if token >= FIRST_SPECIAL:
                self._ordinary(ids[start:n])
                self._special(token, self._position)
                start = n + 1
        self._ordinary(ids[start:])

    def _ordinary(self, ids: Sequence[int]) -> None:
        if not ids:
            return
        self._position += len(ids)
        if self._state is _State.CONTENT:
            self._record.content(ids)
        elif self._state is not _State.DONE:
            self._held.extend(ids)

    def _special(self, token: int, at: int) -> None:
        self._position += 1
        if self._state is _State.CONTENT:
            self._special_in_content(token, at)
        elif self._state is _State.HEADER:
            self._special_in_header(token, at)
        elif self._state is _State.BETWEEN:
            self._special_between(token, at)

    def _special_in_content(self, token: int, at: int) -> None:
        record = self._record
        if token in _ENDS:
            if token == ENDOFTEXT:
                record.repair("endoftext", at)
            self._end_content(self._position, token)
            self._after_end(token)
        elif token in (START, CHANNEL):
            record.repair("missing_end", at)
            self._end_content(at, token)
            self._open_header(token, at)
        elif token == MESSAGE and not record.ids:
            record.repair("repeated_message", at)
        else:
            name = self._encoding.decode([token])
            record.repair("stray_token", at, name)
            record.flush()
            record.ids.append(token)
            if token not in (MESSAGE, CONSTRAIN):
                record.text(name)

    def _special_in_header(self, token: int, at: int) -> None:
        if token == MESSAGE:
            self._end_header()
        elif token in _ENDS:
            if token == ENDOFTEXT:
                self._record.repair("endoftext", at)
            self._end_unheaded(self._position, token)
            if self._state is not _State.DONE:
                self._after_end(token)
        elif token == START and self._held_text().strip() in ("", "assistant"):
            self._record.repair("repeated_start", at)
            self._held, self._held_at, self._role_given = [], self._position, False
        elif token == START or (token == CHANNEL and self._holds_body()):
            self._end_unheaded(at, token)
            if self._state is not _State.DONE:
                self._open_header(token, at)
        else:
            self._held.append(token)

    def _special_between(self, token: int, at: int) -> None:
        if token == START:
            self._end_between(at, token)
            self._open_header(token, at)
        elif token in (CHANNEL, MESSAGE):
            self._resume_header(token, at)
        elif token in _ENDS:
            self._end_between(self._position, token)
            if self._stop:
                self._begin = self._held_at = self._position
            else:
                self._after_end(token)
        else:
            self._held.append(token)

    def _after_end(self, token: int) -> None:
        """A message was ended by `token`."""
        self._stop = _STOPS.get(token)
        self._state = _State.DONE if token in (RETURN, ENDOFTEXT) else _State.BETWEEN
        self._begin = self._held_at = self._position
        self._held = []

    def _leave(self) -> None:
        """Someone else speaks in the model's name: nothing from the header under way on counts."""
        self._state = _State.DONE
        self._left = "foreign_role"
        self._stop = self._stop_before

    # Headers

    def _open_header(self, token: int, at: int) -> None:
        """A header begins, with `<|start|>` or with a `<|channel|>` that has none."""
        self._state = _State.HEADER
        self._stop_before, self._stop = self._stop, None
        self._begin = at
        self._role_given = token != START
        self._held = [] if token == START else [token]
        self._held_at = self._position - len(self._held)

    def _resume_header(self, token: int, at: int) -> None:
        """A header without `<|start|>`: what stands before `token` is part of it where it reads like one."""
        text = self._held_text()
        if is_header_like(text):
            held, begin = self._held, self._begin
        else:
            self._end_between(at, token)
            held, begin, text = [], at, ""
        self._open_header(token, begin)
        self._record.repair("missing_start", begin)
        self._held, self._held_at = held, begin
        self._role_given = not text.strip().startswith("assistant")
        if token == MESSAGE:
            self._end_header()
        else:
            self._held.append(token)

    def _held_text(self) -> str:
        return self._encoding.decode(self._held)

    def _parse_held(self) -> Header:
        return parse_header(self._held_text(), self._recipients, role_given=self._role_given)

    def _holds_body(self) -> bool:
        """Whether the header under way went on into content."""
        if len(self._held) >= _LONGEST_HEADER:
            return True
        if len(self._held) < _BODY_WORDS or self._held[-1] >= FIRST_SPECIAL:
            return False
        pieces = split_unheaded(self._held, leaks=self._plain_text)
        return len(pieces) > 1 or len(pieces[0].text.split()) >= _BODY_WORDS

    def _end_header(self) -> None:
        """`<|message|>` has come."""
        header = self._parse_held()
        if not header.foreign and self._plain_text and has_leak(self._held_text()):
            header = self._split_header(header)
        self._held = []
        if header.foreign:
            self._leave()
            return
        self._state = _State.CONTENT
        self._record.open(header, self._begin, self._position)

    def _split_header(self, header: Header) -> Header:
        """The header that `<|message|>` really ends, where whole messages, their control tokens written as words, stand
        before it."""
        *before, last = split_unheaded(self._held, leaks=True)
        if not before:
            return header
        begin = self._held_at + last.start
        self._emit_pieces(before, self._begin, self._held_at, begin, MESSAGE)
        self._begin = begin
        return parse_header(last.header + last.text, self._recipients, role_given=False)

    # Ends

    def _end_content(self, stop: int, token: int | None) -> None:
        """The message under way ends before token `stop`, because of `token` (None: no more ids came)."""
        record = self._record
        record.flush()
        pieces = split_content(record.ids) if self._may_hold_leaks(token) else []
        if len(pieces) > 1:
            shift, own = record.body, pieces[0]
            record.close(shift + own.stop, complete=True, called=False, text=own.text)
            self._emit_pieces(pieces[1:], shift + own.stop, shift, stop, token)
        else:
            record.close(stop, complete=token is not None, called=token == CALL)

    def _may_hold_leaks(self, token: int | None) -> bool:
        """Whether the message under way is reasoning that ended a completion, and spells the header of another."""
        header = self._record.header
        reasoning = header.channel == "analysis" and header.recipient is None
        return reasoning and self._plain_text and token in (CALL, RETURN) and has_leak("".join(self._record.parts))

    def _end_unheaded(self, stop: int, token: int | None) -> None:
        """The header under way ends before token `stop` without a `<|message|>`: take as messages what it holds of
        content."""
        if self._parse_held().foreign:
            self._leave()
            return
        pieces = split_unheaded(self._held, leaks=self._plain_text)
        if self._is_bare_header(pieces, token):
            self._record.discard(self._begin, stop, "empty_header")
        else:
            self._emit_pieces(pieces, self._begin, self._held_at, stop, token)
            if token in (START, CHANNEL):
                self._record.repair("missing_end", stop)

    def _is_bare_header(self, pieces: Sequence[Piece], token: int | None) -> bool:
        """Whether nothing but a header is held, be it cut off inside a word, and no call that has no arguments."""
        if is_header_like(self._held_text()):
            return token != CALL or self._parse_held().recipient is None
        return token is None and len(pieces) == 1 and pieces[0].marked and len(pieces[0].text.split()) == 1

    def _end_between(self, stop: int, token: int | None) -> None:
        """What stands between two messages, up to token `stop`, is nobody's if it is blank or comes after a call; else
        it is text without a header."""
        if self._stop or not self._held_text().strip():
            self._record.discard(self._begin, stop, "after_stop" if self._stop else "between_messages")
        else:
            self._record.repair("missing_start", self._begin)
            pieces = split_unheaded(self._held, leaks=self._plain_text)
            self._emit_pieces(pieces, self._begin, self._held_at, stop, token)
        self._held = []

    def _emit_pieces(self, pieces: Sequence[Piece], begin: int, shift: int, stop: int, token: int | None) -> None:
        """Messages that were found in text: the first begins at `begin`, offsets count from `shift`, `stop` ends the
        last."""
        for n, piece in enumerate(pieces):
            last = n == len(pieces) - 1
            header = self._header_of(piece)
            start = begin if n == 0 else shift + piece.start
            leaked = piece.led and not piece.marked
            self._record.repair("plain_text" if leaked else "missing_message", start, piece.header.strip())
            self._record.open(header, start, shift + piece.body)
            self._record.text(piece.text)
            self._record.close(
                stop if last else shift + piece.stop,
                complete=token is not None or not last,
                called=last and token == CALL,
            )

    def _header_of(self, piece: Piece) -> Header:
        if not piece.led:
            return Header()
        header = parse_header(piece.header, self._recipients, role_given=True)
        # That it has neither a role nor a channel token of its own is what `plain_text` says already.
        header.repairs = [r for r in header.repairs if r[0] not in ("missing_channel_token", "repeated_start")]
        return header

    def _close(self) -> Completion:
        truncated = self._stop is None and self._state is not _State.DONE
        end = self._position
        if self._state is _State.CONTENT:
            self._end_content(end, None)
        elif self._state is _State.HEADER:
            self._end_unheaded(end, None)
        elif self._state is _State.BETWEEN:
            self._end_between(end, None)
        if self._state is _State.DONE:
            self._record.discard(self._begin, end, self._left)
        self._state = _State.DONE
        record = self._record
        return Completion(
            messages=record.messages,
            repairs=record.repairs,
            discarded=record.discarded,
            truncated=truncated,
            stop=self._stop,
            tokens=end,
            kept=self._kept(),
        )

    def _kept(self) -> int:
        """Up to the end of the last message, without an `<|endoftext|>` that ended it."""
        if not self._record.messages:
            return 0
        stop = self._record.messages[-1].stop
        return stop - (self._stop == "endoftext" and stop == self._begin)


def parse_completion(
    ids: TokenIds, recipients: Iterable[str] = (), *, plain_text: bool = True, prefix: TokenIds = ()
) -> Completion:
    """Parse a whole completion: everything after `<|start|>assistant`, shape [n]. See `CompletionParser`."""
    parser = CompletionParser(recipients, plain_text=plain_text, prefix=prefix)
    parser.feed(ids)
    return parser.finish()
