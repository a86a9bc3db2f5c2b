"""Token ids of o200k_harmony and words drawn from its vocabulary."""

import hashlib
import random
from functools import lru_cache

from ossia.harmony import FIRST_SPECIAL, encoding

_SYLLABLES = (
    *("ba", "be", "bo", "da", "de", "di", "do", "fa", "fe", "ga", "go", "ka", "ke", "ki", "ko", "la", "le", "li", "lo"),
    *("lu", "ma", "me", "mi", "mo", "na", "ne", "ni", "no", "pa", "pe", "po", "ra", "re", "ri", "ro", "ru", "sa", "se"),
    *("si", "so", "ta", "te", "ti", "to", "tu", "va", "ve", "vi", "vo", "za", "ze", "zi", "zo", "zor", "vik", "mar"),
    *("tan", "quil", "mor", "bel", "dor", "fen", "gar", "hal", "jor", "kel", "lan", "nor", "per", "rin"),
)


def encode(text: str) -> list[int]:
    """Token ids of `text`; special tokens such as `<|start|>` stand for themselves."""
    return encoding().encode(text, special=True)


def decode(ids: list[int]) -> str:
    """The text of token ids."""
    return encoding().decode(ids)


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """Lower-case words that are one token both with and without a leading space."""
    texts = (decode([token_id]) for token_id in range(FIRST_SPECIAL))
    return tuple(text[1:] for text in texts if _plain(text) and len(encode(text[1:])) == 1)


def _plain(text: str) -> bool:
    """A space and at least three lower-case letters."""
    return len(text) >= 4 and text[0] == " " and text[1:].isascii() and text[1:].isalpha() and text[1:].islower()


def word(rng: random.Random) -> str:
    """A word of the vocabulary, or an invented one: of syllables or of two words. Never one that is kept out."""
    while True:
        style = rng.random()
        if style < 0.5:
            found = rng.choice(words())
        elif style < 0.8:
            found = "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 4)))
        else:
            found = rng.choice(words()) + rng.choice(words())
        if len(found) <= 16 and not kept_out(found):
            return found


def plain_word(rng: random.Random) -> str:
    """A word of the vocabulary, never one that is kept out."""
    while kept_out(found := rng.choice(words())):
        pass
    return found


def term(rng: random.Random) -> str:
    """What a thing may be called: a word or two, of one token or several, split alike with and without a space."""
    while True:
        style = rng.random()
        found = plain_word(rng) if style < 0.35 else word(rng)
        if style > 0.7:
            found = f"{plain_word(rng) if style < 0.85 else word(rng)} {found}"
        if splits_alike(found):
            return found


def name(rng: random.Random) -> str:
    """One to three words with capitals that are split alike with and without a space.

    How another would be split after a quotation mark cannot be known from how it is split after a space.
    """
    return " ".join(_capitalized(rng) for _ in range(rng.choice((1, 1, 2, 2, 3))))


def _capitalized(rng: random.Random) -> str:
    while not splits_alike(found := word(rng).capitalize()):
        pass
    return found


def splits_alike(text: str) -> bool:
    """True when `text` is split into the same pieces with and without a leading space."""
    spaced, bare = encode(" " + text), encode(text)
    return spaced[1:] == bare[1:] and decode(spaced[:1]) == " " + decode(bare[:1])


def among_words(rng: random.Random, text: str, share: float) -> str:
    """`text`, in `share` of all cases with random words around it, so that unknown ones do not derail the copy."""
    if rng.random() >= share:
        return text
    before = " ".join(plain_word(rng) for _ in range(rng.randint(0, 3)))
    after = " ".join(plain_word(rng) for _ in range(rng.randint(0, 3)))
    return f"{before} {text} {after}".strip()


def as_it_lies(text: str, question: str) -> str:
    """`text` with a space before it where it has one in `question`: so its tokens are those of the question."""
    return f" {text}" if f" {text}" in question else text


def kept_out(word: str) -> bool:
    """True for a quarter of all words, by hash: training never draws them, the yardstick draws no others."""
    return hashlib.sha256(word.lower().encode()).digest()[0] < 64
