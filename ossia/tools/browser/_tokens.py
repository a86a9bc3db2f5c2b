"""Token counts, for views that are bounded in tokens."""

from functools import cache

from openai_harmony import HarmonyEncoding, HarmonyEncodingName, load_harmony_encoding


@cache
def _encoding() -> HarmonyEncoding:
    return load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)


@cache
def _length(token: int) -> int:
    """Characters of one token on its own. A part of a character counts as one for each byte, as in the reference."""
    return len(_encoding().decode([token]))


def encode(text: str) -> list[int]:
    """Token ids of `text` as ordinary text: nothing in it is a control token."""
    tokens: list[int] = _encoding().encode(text, disallowed_special=())
    return tokens


def prefix_length(tokens: list[int]) -> int:
    """Characters that `tokens` stand for."""
    return sum(map(_length, tokens))
