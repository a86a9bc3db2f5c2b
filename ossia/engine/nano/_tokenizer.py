"""The vocabulary o200k_harmony as the `tokenizer.json` that transformers, vLLM and others read.

It is written from the vocabulary inside openai_harmony, without network and without the `tokenizers` package.
"""

import functools

import openai_harmony

from ossia.types import JsonValue

_FIRST_SPECIAL = 199_998
_LAST_SPECIAL = 200_018
"""Ids above it are reserved in the vocabulary and left out of published tokenizers."""

# The pattern of o200k_base, as tiktoken publishes it (tiktoken_ext/openai_public.py).
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_BEFORE = r"[^\r\n\p{L}\p{N}]?"
_ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_PATTERN = "|".join(
    [
        f"{_BEFORE}{_UPPER}*{_LOWER}+{_ENDINGS}",
        f"{_BEFORE}{_UPPER}+{_LOWER}*{_ENDINGS}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)


def tokenizer_json() -> dict[str, JsonValue]:
    """The content of `tokenizer.json`."""
    encoding = openai_harmony.load_harmony_encoding("HarmonyGptOss")
    tokens = [encoding.decode([i], errors="surrogateescape") for i in range(_LAST_SPECIAL + 1)]
    ranks = {text.encode("utf-8", "surrogateescape"): i for i, text in enumerate(tokens[:_FIRST_SPECIAL])}
    byte_level: dict[str, JsonValue] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_special(i, tokens[i]) for i in range(_FIRST_SPECIAL, _LAST_SPECIAL + 1)],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": _PATTERN}, "behavior": "Isolated", "invert": False},
                {**byte_level, "use_regex": False},
            ],
        },
        "post_processor": {**byte_level, "use_regex": True},
        "decoder": {**byte_level, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": True,
            "vocab": {_printable(token): rank for token, rank in ranks.items()},
            "merges": [[_printable(left), _printable(right)] for left, right in _merges(ranks)],
        },
    }


def tokenizer_config() -> dict[str, JsonValue]:
    """The content of `tokenizer_config.json`."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|startoftext|>",
        "eos_token": "<|return|>",
        "pad_token": "<|endoftext|>",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 131_072,
        "clean_up_tokenization_spaces": False,
    }


def _special(token: int, text: str) -> dict[str, JsonValue]:
    return {
        "id": token,
        "content": text,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


def _merges(ranks: dict[bytes, int]) -> list[tuple[bytes, bytes]]:
    """Every way to join two tokens into a third, in the order of the third's rank.

    tiktoken joins whichever two neighbours make the token of the lowest rank; a list of pairs in that order does the
    same.
    """
    merges: list[tuple[bytes, bytes]] = []
    for token in ranks:
        cuts = ((token[:i], token[i:]) for i in range(1, len(token)) if token[:i] in ranks and token[i:] in ranks)
        merges += sorted(cuts, key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))
    return merges


def _printable(token: bytes) -> str:
    return "".join(map(_byte_characters().__getitem__, token))


@functools.cache
def _byte_characters() -> list[str]:
    """A printable character for each byte, as GPT-2's byte-level BPE writes them: itself, else one from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]
