"""The frozen vocabulary table of nano: one row of unit length for each token id, expanded from a seed, never trained.

A row is hash(stem) + hash(leading character) + a few class vectors. `Paris`, ` Paris` and `.Paris` share the stem, so
that a small model can copy a token into another context. Where the stem is no token by itself, as that of ` Birch`, the
hashes of the tokens that spell it (`Bir`, `ch`) stand in its place, the second and third turned, and a mark that it is
spelled: so a model can spell it where it must be written without what leads it. Everything up to the norm is integer
arithmetic on hash bits, and each value is rounded to bfloat16: the table is the same on every machine, and exact in
bfloat16 and float16.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from openai_harmony import HarmonyEncodingName, load_harmony_encoding

VOCABULARY = 201_088
SEED = "ossia-nano-1"
EMBED_SCALE = 8.0
"""The input embedding is the table times this (a power of two: exact in bfloat16); the unembedding is the table."""
BLOCK = 8_192

_FIRST_SPECIAL = 199_998
# Weights in tenths, as integers.
_STEM, _LEAD, _SPECIAL, _SPELLED, _DIGIT, _CLASS = 10, 5, 5, 5, 4, 3
_PIECES = (8, 8, 5)
"""Of the tokens that spell a stem, by their place; those of a stem of more than three are left out."""


def blocks(hidden: int, seed: str = SEED) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the table from its first row to its last, `BLOCK` rows at a time, each block of shape [n, hidden].

    `hidden` is a multiple of 8.
    """
    for start in range(0, VOCABULARY, BLOCK):
        yield _rows(range(start, min(start + BLOCK, VOCABULARY)), hidden, seed)


def build(hidden: int, seed: str = SEED) -> npt.NDArray[np.float32]:
    """The whole table, shape [201_088, hidden]."""
    return np.concatenate(list(blocks(hidden, seed)))


def split_token(text: str) -> tuple[str, str]:
    """(leading character, stem) of a token's text: a space before anything, or one sign before letters or digits."""
    if len(text) > 1 and (text[0] == " " or (not text[0].isalnum() and text[1:].isalnum())):
        return text[0], text[1:]
    return "", text


def _rows(ids: range, hidden: int, seed: str) -> npt.NDArray[np.float32]:
    parts = [_features(token_id) for token_id in ids]
    spelled = [spellings().get(stem, (stem,)) for stem, _ in parts]
    rows = _hashes(seed, [pieces[0] for pieces in spelled], hidden)
    rows *= np.array([[_STEM if len(pieces) == 1 else _PIECES[0]] for pieces in spelled])
    for place in range(1, len(_PIECES)):
        at = [i for i, pieces in enumerate(spelled) if len(pieces) > place]
        turned = np.roll(_hashes(seed, [spelled[i][place] for i in at], hidden)[:, ::-1], place, axis=1)
        rows[at] += _PIECES[place] * turned
    for row, (_, features) in zip(rows, parts, strict=True):
        for name, weight in features:
            row += weight * _signs(seed, name, hidden)
    norms = np.sqrt((rows * rows).sum(axis=1, keepdims=True).astype(np.float64))
    return _round_to_bfloat16((rows / norms).astype(np.float32))


def _features(token_id: int) -> tuple[str, tuple[tuple[str, int], ...]]:
    """What is hashed for a token: the key of its stem, and (key, weight) of each feature that it shares with others."""
    if token_id >= _FIRST_SPECIAL:
        return f"special:{token_id}", (("special", _SPECIAL),)
    text = _texts()[token_id]
    if "\ufffd" in text:  # a piece of a character: no text of its own
        return f"bytes:{token_id}", ()
    lead, stem = split_token(text)
    shared = [(f"lead:{lead}", _LEAD)]
    if stem.isdigit():
        shared += [("digits", _DIGIT), (f"digits:{len(stem)}", _CLASS)]
    elif stem.isalnum():
        shared += [("letters", _CLASS), ("upper" if stem[:1].isupper() else "lower", _CLASS)]
    else:
        shared += [("signs", _CLASS)]
    if f"stem:{stem}" in spellings():
        shared += [("spelled", _SPELLED)]
    return f"stem:{stem}", tuple(shared)


@lru_cache(maxsize=1)
def _texts() -> list[str]:
    """The text of each ordinary token."""
    decode = _encoding().decode
    return [decode([token_id]) for token_id in range(_FIRST_SPECIAL)]


@lru_cache(maxsize=1)
def spellings() -> dict[str, list[str]]:
    """For the key of each stem of letters that is no token by itself: the keys of the tokens that spell it."""
    stems = {stem for _, stem in map(split_token, _texts()) if stem.isascii() and stem.isalpha()}
    missing = sorted(stems.difference(_texts()))
    pieces, out = list[str](), dict[str, list[str]]()
    for token_id in _encoding().encode("\n".join((*missing, "")), allowed_special=set()):
        text = _texts()[token_id]
        if text != "\n":
            pieces.append(f"stem:{text}")
            continue
        out[f"stem:{missing[len(out)]}"] = pieces
        pieces = []
    return out


def _hashes(seed: str, keys: list[str], hidden: int) -> npt.NDArray[np.int32]:
    """`hidden` hash bits of each key as +1 and -1, [n, hidden]."""
    digests = b"".join(_digest(seed, key, hidden) for key in keys)
    bits = np.unpackbits(np.frombuffer(digests, np.uint8).reshape(len(keys), hidden // 8), axis=1)
    return bits.astype(np.int32) * 2 - 1


def _digest(seed: str, key: str, hidden: int) -> bytes:
    return hashlib.shake_128(f"{seed}\0{key}".encode("utf-8", "surrogatepass")).digest(hidden // 8)


@lru_cache(maxsize=4096)
def _signs(seed: str, key: str, hidden: int) -> npt.NDArray[np.int32]:
    """`hidden` hash bits of `key` as +1 and -1."""
    row: npt.NDArray[np.int32] = _hashes(seed, [key], hidden)[0]
    return row


def _round_to_bfloat16(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The nearest bfloat16 values (ties to even), still as float32."""
    bits = values.view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return rounded.view(np.float32)


@lru_cache(maxsize=1)
def _encoding():  # type: ignore[no-untyped-def]  # openai_harmony ships no types
    return load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)
