"""What the header of a message says, however the model wrote it."""

import re
from dataclasses import dataclass, field
from typing import Final, cast

from ossia.harmony._completion import RepairKind
from ossia.harmony._recipients import NOT_TOOLS, Recipients, clean, is_dotted_name
from ossia.types import Channel

CHANNELS: Final[tuple[Channel, ...]] = ("analysis", "commentary", "final")
CONTENT_TYPES: Final = frozenset({"code", "json", "text"})
MARKER: Final = "<|constrain|>"
_MOST_WORDS = 3
"""Words behind `<|channel|>`, the channel among them, of which one may be a tool's bare name without `to=`: in more of
them it can be a word of a sentence."""
_LONGEST_END = 1000
"""Characters of a header that are read from either end: longer ones are content that has lost its `<|message|>`."""

_STRICT = re.compile(
    r"(?: to=(?P<role_to>[^\s<]+))?<\|channel\|>(?P<channel>analysis|commentary|final)(?: to=(?P<channel_to>[^\s<]+))?"
    r"(?P<type> ?<\|constrain\|>\w+| \w+)?"
)
_TO = re.compile(r"to\s*=\s*")
_GLUED_TO = re.compile(r"(?:analysis|commentary|final|assistant)to\s*=\s*\S*")
_PIECES = re.compile(r"<\|(channel|constrain)\|>")
_STRAY = re.compile(r"<\|[^|]*\|>?")
_ROLE = re.compile(r"\s*(?:<\|start\|>)*\s*assistant")
_NO_ROLE = re.compile(r"\s*(?:(?:analysis|commentary|final)(?![a-z])|to\s*=|$)")


@dataclass(slots=True)
class Header:
    """A header's meaning, and what was wrong with its form."""

    channel: Channel | None = None
    recipient: str | None = None
    declared: bool = True
    content_type: str | None = None
    foreign: bool = False
    """It is not the model's own: it speaks as a user, a tool, anyone."""
    suspect: str | None = None
    """A word in the channel's place that could be meant as a recipient: it is one if `<|call|>` ends the message."""
    repairs: list[tuple[RepairKind, str]] = field(default_factory=list)


def parse_header(text: str, recipients: Recipients, *, role_given: bool) -> Header:
    """Read a header: its text with control tokens spelled out, from behind `<|start|>` to before `<|message|>`.

    `role_given`: the prompt already said `assistant`. Of a header that runs on, the beginning and the end are read.
    """
    if len(text) > 2 * _LONGEST_END:
        text = f"{text[:_LONGEST_END]} {text[-_LONGEST_END:]}"
    rest = text if role_given else text.removeprefix("assistant")
    if (role_given or len(rest) < len(text)) and (strict := _STRICT.fullmatch(rest)):
        header = _strict_header(strict, recipients)
        if header is not None:
            return header
    return _Tolerant(recipients).parse(text, role_given)


def _strict_header(match: re.Match[str], recipients: Recipients) -> Header | None:
    """The meaning of a well-formed header; None where its recipient needs a second look."""
    before, behind = match["role_to"], match["channel_to"]
    recipient = before or behind
    kind = match["type"]
    content_type = kind.strip() if kind else None
    if before and behind:
        return None
    if recipient is not None and recipient not in recipients:
        return None
    plain = content_type is None or content_type.startswith(MARKER) or content_type in CONTENT_TYPES
    return Header(cast(Channel, match["channel"]), recipient, True, content_type) if plain else None


class _Tolerant:
    """Reads the words of a header one by one."""

    def __init__(self, recipients: Recipients) -> None:
        self._recipients = recipients
        self._header = Header()
        self._explicit: list[str] = []
        self._words: list[str] = []
        """Words that name a declared recipient without `to=`."""
        self._in_channel: list[str] = []
        """Unknown words in the channel's place."""
        self._extra: list[str] = []
        self._channels = 0
        self._marked = False

    def parse(self, text: str, role_given: bool) -> Header:
        header = self._header
        text = self._strip_role(text, role_given)
        if header.foreign:
            return header
        if glued := _GLUED_TO.search(text):
            self._repair("recipient_garbled", glued[0])
        parts = _PIECES.split(_TO.sub(" to=", text))
        self._read(parts[0], channel_place=False)
        for marker, piece in zip(parts[1::2], parts[2::2], strict=True):
            if marker == "channel":
                self._marked = True
                self._read(piece, channel_place=True)
            else:
                self._read_constrain(piece)
        self._choose_recipient()
        self._judge_channel()
        if self._extra:
            self._repair("extra_header_text", " ".join(self._extra))
        return header

    def _repair(self, kind: RepairKind, detail: str = "") -> None:
        self._header.repairs.append((kind, detail))

    def _strip_role(self, text: str, role_given: bool) -> str:
        found = _ROLE.match(text)
        if found is None:
            if not role_given:
                before = _PIECES.split(text, maxsplit=1)[0]
                if _NO_ROLE.match(before) is None:
                    self._header.foreign = True
                else:
                    self._repair("missing_role")
            return text
        if role_given or _ROLE.match(text, found.end()):
            self._repair("repeated_start")
        while found is not None:
            text = text[found.end() :]
            found = _ROLE.match(text)
        return text

    def _read(self, piece: str, channel_place: bool) -> None:
        if stray := _STRAY.findall(piece):
            self._repair("stray_token", " ".join(stray))
            piece = _STRAY.sub(" ", piece)
        words = piece.split()
        for n, word in enumerate(words):
            self._word(word, channel_place and n == 0, channel_place and len(words) <= _MOST_WORDS)

    def _word(self, word: str, channel_place: bool, bare: bool) -> None:
        """Take one word: `channel_place`, the first behind `<|channel|>`; `bare`, it may name a tool in any form."""
        if word.startswith("to="):
            if word != "to=":
                self._explicit.append(word[3:])
        elif channel := _as_channel(word):
            self._set_channel(channel, word)
        elif self._names_tool(word, bare):
            self._words.append(word)
            self._repair("recipient_as_channel" if channel_place else "recipient_without_to", word)
        elif word in CONTENT_TYPES:
            self._set_type(word)
        elif glued := _split_glued(word):
            self._set_channel(glued[0], word)
            self._glued(glued[1], bare)
        elif channel_place:
            self._in_channel.append(word)
        else:
            self._extra.append(word)

    def _names_tool(self, word: str, bare: bool) -> bool:
        return word in self._recipients or (
            bare and word not in CONTENT_TYPES and self._recipients.find(word) is not None
        )

    def _glued(self, rest: str, bare: bool) -> None:
        """What was glued to a channel."""
        if self._names_tool(rest, bare):
            self._words.append(rest)
            self._repair("recipient_without_to", rest)
        elif rest in CONTENT_TYPES:
            self._set_type(rest)
        else:
            self._extra.append(rest)

    def _read_constrain(self, piece: str) -> None:
        """Behind `<|constrain|>` stands the content type; of the rest only a recipient counts."""
        words = piece.split()
        if words and (word := re.match(r"\w+", words[0])) and not words[0].startswith("to="):
            self._set_type(MARKER + word[0])
            words = words[1:]
        for written in (w[3:] for w in words if w.startswith("to=") and w != "to="):
            self._explicit.append(written)
            self._repair("recipient_misplaced", written)
        self._extra += [w for w in words if not w.startswith("to=")]

    def _set_type(self, written: str) -> None:
        if self._header.content_type is None:
            self._header.content_type = written
        else:
            self._extra.append(written)

    def _set_channel(self, channel: Channel, written: str) -> None:
        self._channels += 1
        self._header.channel = channel
        if written != channel:
            self._repair("garbled_channel", written)

    def _choose_recipient(self) -> None:
        explicit = [e for e in self._explicit if clean(e) not in NOT_TOOLS]
        if len(explicit) < len(self._explicit):
            self._repair("recipient_not_a_tool", "to=assistant")
        if len(explicit) > 1:
            self._repair("recipient_repeated", " ".join(explicit))
        for written in (*explicit, *self._words):
            if found := self._recipients.find(written):
                if found.repair is not None:
                    self._repair(found.repair, written)
                self._header.recipient = found.name
                return
        named = [c for c in map(clean, explicit) if c]
        if not named and (dotted := [w for w in self._in_channel if is_dotted_name(w)]):
            self._in_channel.remove(dotted[0])
            self._repair("recipient_as_channel", dotted[0])
            named = dotted
        if named:
            self._header.recipient, self._header.declared = named[0], False
            if named[0] not in explicit and named[0] in map(clean, explicit):
                self._repair("recipient_garbled", explicit[0])

    def _judge_channel(self) -> None:
        unknown = [w for w in self._in_channel if w != "assistant"]
        if self._channels > 1:
            self._repair("repeated_channel")
        if self._channels and not self._marked:
            self._repair("missing_channel_token")
        if unknown:
            self._header.suspect = unknown[0]
            self._repair("garbled_channel" if self._channels else "unknown_channel", " ".join(unknown))
        elif self._in_channel:
            self._repair("garbled_channel", "assistant")
        elif not self._channels:
            self._repair("missing_channel")


def _as_channel(word: str) -> Channel | None:
    """The channel that a word is, once what is no letter is taken off its ends; `comment` is commentary."""
    letters = re.sub(r"^[^A-Za-z]+|[^A-Za-z]+$", "", word).lower()
    if letters == "comment":
        return "commentary"
    return next((channel for channel in CHANNELS if channel == letters), None)


def _split_glued(word: str) -> tuple[Channel, str] | None:
    """A channel and what is glued to it."""
    for channel in CHANNELS:
        if word.startswith(channel):
            return channel, word[len(channel) :]
    return None
