"""Token ids of o200k_harmony and words drawn from its vocabulary."""

import hashlib
import random
from functools import lru_cache

from ossia.engine.nano.table import spellings
from ossia.harmony import FIRST_SPECIAL, encoding

_SYLLABLES = (
    *("ba", "be", "bo", "da", "de", "di", "do", "fa", "fe", "ga", "go", "ka", "ke", "ki", "ko", "la", "le", "li", "lo"),
    *("lu", "ma", "me", "mi", "mo", "na", "ne", "ni", "no", "pa", "pe", "po", "ra", "re", "ri", "ro", "ru", "sa", "se"),
    *("si", "so", "ta", "te", "ti", "to", "tu", "va", "ve", "vi", "vo", "za", "ze", "zi", "zo", "zor", "vik", "mar"),
    *("tan", "quil", "mor", "bel", "dor", "fen", "gar", "hal", "jor", "kel", "lan", "nor", "per", "rin"),
)

SEAM = "\0"
"""In the text of a completion: two tokens meet here, even where the vocabulary has one for both (`.find`, `.\\n`)."""


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


def any_text(rng: random.Random, tokens: int) -> str:
    """The text of random tokens, of any script."""
    return decode([rng.randrange(FIRST_SPECIAL) for _ in range(tokens)])


@lru_cache(maxsize=1)
def unspelled() -> dict[str, int]:
    """Letters that are one token after a space and several without it (`Birch`), and the id of that token."""
    texts = ((token_id, decode([token_id])) for token_id in range(FIRST_SPECIAL))
    return {text[1:]: token_id for token_id, text in texts if text[:1] == " " and f"stem:{text[1:]}" in spellings()}


@lru_cache(maxsize=1)
def _stems() -> tuple[str, ...]:
    """Those of `unspelled` that a word may begin with: three letters at least, capitals only at the start."""
    return tuple(sorted(stem for stem in unspelled() if len(stem) >= 3 and stem[1:].islower()))


def unspelled_word(rng: random.Random, *, capital: bool) -> str:
    """A word that begins with a token which is several without the space before it (` Birch`). Never one kept out."""
    while True:
        stem = rng.choice(_stems())
        style = rng.random()
        if style < 0.3:
            found = stem
        elif style < 0.75:
            found = stem + "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(1, 2)))
        else:
            found = stem + rng.choice(words())
        if found[0].isupper() == capital and len(found) <= 16 and not kept_out(found) and begins_spelled(found):
            return found


def begins_spelled(text: str) -> bool:
    """True when the first token of `text` after a space is none without it."""
    return len(encode(decode(encode(f" {text}")[:1])[1:])) > 1


def term(rng: random.Random) -> str:
    """What a thing may be called: a word or two, of one token or several; most are split alike without a space.

    Every fourth begins with what is to be spelled.
    """
    if rng.random() < 0.25:
        found = unspelled_word(rng, capital=False)
        return f"{found} {plain_word(rng)}" if rng.random() < 0.2 else found
    alike = rng.random() < 0.6
    while True:
        style = rng.random()
        found = plain_word(rng) if style < 0.35 else word(rng)
        if style > 0.7:
            found = f"{plain_word(rng) if style < 0.85 else word(rng)} {found}"
        if not alike or splits_alike(found):
            return found


def name(rng: random.Random) -> str:
    """One to three words with capitals, which begin alike at times; half begin with what is to be spelled."""
    style = rng.random()
    first = unspelled_word(rng, capital=True) if style < 0.5 else _capitalized(rng, alike=style < 0.85)
    parts = [first, *(_capitalized(rng, alike=False) for _ in range(rng.choice((0, 0, 1, 1, 2))))]
    alike = decode(encode(f" {first}")[:1]).strip() + rng.choice(_SYLLABLES)
    if len(parts) > 1 and rng.random() < 0.15 and not kept_out(alike):
        parts[1] = alike
    return " ".join(parts)


def kin(rng: random.Random, text: str) -> str:
    """A name that begins or ends as `text` does, or both, by tokens, if it has several; neither holds the other."""
    known = encode(f" {text}")
    while True:
        if len(known) == 1 and (found := name(rng)) != text:
            return found
        other = encode(f" {name(rng)}")
        shared, drawn = rng.randint(1, len(known) - 1), rng.randint(1, 3)
        made = rng.choice((known[:shared] + other[-drawn:], other[:drawn] + known[-shared:]))
        if len(known) > 2 and rng.random() < 0.3:
            made = [*known[:1], *other[1 : 1 + drawn], *known[-1:]]
        found = decode(made).strip()
        if found not in text and text not in found and not any(map(kept_out, found.split())):
            return found


def _capitalized(rng: random.Random, *, alike: bool) -> str:
    while not splits_alike(found := word(rng).capitalize()) and alike:
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


def copied(text: str, source: str, lead: str = "") -> str:
    """`text` after `lead`, for a completion: its tokens are those that it has in `source`, but for the first.

    What leads the first one there is left away: the rest of it is spelled where it is no token (` Birch`: `Bir`, `ch`).
    """
    spaced = f" {text}" in source
    first, *rest = (decode([token]) for token in encode(f" {text}" if spaced else text))
    return lead + SEAM.join((first[1:] if spaced else first, *rest))


def kept_out(word: str) -> bool:
    """True for a quarter of all words, by hash: training never draws them, the yardstick draws no others."""
    return hashlib.sha256(word.lower().encode()).digest()[0] < 64
