"""The vocabulary o200k_harmony: text to token ids and back, without network."""

import functools
from collections.abc import Iterable
from typing import Final

import openai_harmony

from ossia.harmony._runs import cut_long_runs

VOCABULARY: Final = 201_088
"""Size of the vocabulary: token ids are in [0, 201_088)."""

FIRST_SPECIAL: Final = 199_998
"""Ids from here on are control tokens; every id below is bytes of text."""

STARTOFTEXT: Final = 199_998
ENDOFTEXT: Final = 199_999
RETURN: Final = 200_002
CONSTRAIN: Final = 200_003
CHANNEL: Final = 200_005
START: Final = 200_006
END: Final = 200_007
MESSAGE: Final = 200_008
CALL: Final = 200_012

SPECIAL_NAMES: Final = {
    STARTOFTEXT: "<|startoftext|>",
    ENDOFTEXT: "<|endoftext|>",
    RETURN: "<|return|>",
    CONSTRAIN: "<|constrain|>",
    CHANNEL: "<|channel|>",
    START: "<|start|>",
    END: "<|end|>",
    MESSAGE: "<|message|>",
    CALL: "<|call|>",
}
"""The control tokens that have a meaning; the other ids from 199_998 on are `<|reserved_N|>`."""


class _BytesTable(dict[int, bytes]):
    """Bytes of each token id, filled as ids are met: the whole table would cost 0.2 s at start."""

    def __init__(self, inner: "openai_harmony.HarmonyEncoding") -> None:
        super().__init__()
        self._inner = inner

    def __missing__(self, token: int) -> bytes:
        if not 0 <= token < VOCABULARY:
            return b""
        text: str = self._inner.decode([token], errors="surrogateescape")
        found = text.encode("utf-8", "surrogateescape")
        self[token] = found
        return found


class _TextTable(dict[int, "str | None"]):
    """Text of each token id; None where its bytes are part of a character only."""

    def __init__(self, table: _BytesTable) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, token: int) -> str | None:
        try:
            found: str | None = self._table[token].decode("utf-8")
        except UnicodeDecodeError:
            found = None
        self[token] = found
        return found


class Encoding:
    """o200k_harmony, the vocabulary of gpt-oss. Get it with `encoding()`."""

    def __init__(self, inner: "openai_harmony.HarmonyEncoding") -> None:
        self._inner = inner
        # The library knows one id more (`<|reserved_201088|>`) than the model has embeddings.
        self._special = frozenset(inner.special_tokens_set) - {f"<|reserved_{VOCABULARY}|>"}
        self._bytes = _BytesTable(inner)
        self._text = _TextTable(self._bytes)

    @property
    def vocabulary(self) -> int:
        """Number of token ids: 201_088."""
        return VOCABULARY

    def encode(self, text: str, special: bool = False) -> list[int]:
        """Token ids of `text`, shape [n].

        Unless `special`, the text can't become a control token whatever it holds: `<|end|>` is spelled out as plain
        characters. Use `special=True` only for text that you wrote yourself. Lone surrogates become U+FFFD. A run of
        more than 500 letters, signs or blanks is encoded in pieces, in a time in proportion to the text.
        """
        if special:
            # Handing the 1,090 names over costs far more than encoding a short text, and each of them holds "<|".
            allowed = self._special if "<|" in text else frozenset[str]()
            ids: list[int] = self._inner.encode(text, allowed_special=allowed, disallowed_special=())
            return ids
        pieces = cut_long_runs(text)
        if len(pieces) == 1:
            return self._encode_plain(text)
        return [i for piece in pieces for i in self._encode_plain(piece)]

    def _encode_plain(self, text: str) -> list[int]:
        ids: list[int] = self._inner.encode(text, allowed_special=(), disallowed_special=())
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids, control tokens as `<|name|>`; bytes that are no UTF-8 become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of token ids; an id outside the vocabulary has none."""
        return b"".join(map(self._bytes.__getitem__, ids))

    @property
    def bytes_of(self) -> dict[int, bytes]:
        """Bytes of each token id, filled as ids are looked up."""
        return self._bytes

    @property
    def text_of(self) -> dict[int, str | None]:
        """Text of each token id, filled as ids are looked up; None where its bytes are part of a character only."""
        return self._text


@functools.cache
def encoding() -> Encoding:
    """The encoding, loaded once in a process (about 0.2 s) from the installed package: no network, no cache folder."""
    return Encoding(openai_harmony.load_harmony_encoding("HarmonyGptOss"))
