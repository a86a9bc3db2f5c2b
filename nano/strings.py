"""Questions about one word."""

import random
from dataclasses import dataclass

from nano.phrasings import dress
from nano.vocabulary import as_it_lies, word

REVERSED = ("reverse the word {}", "reverse {}", "spell {} backwards", "what is {} reversed", "write {} backwards")
LENGTH = (
    "how many letters are in {}",
    "how long is the word {}",
    "what is the length of {}",
    "count the letters in {}",
)
UPPER = ("convert {} to upper case", "uppercase {}", "write {} in capital letters")
COUNT = (
    "how many times does the letter {c} appear in {}",
    "how many times does {c} occur in {}",
    "count the letter {c} in {}",
    "how many {c}'s are in {}",
)


@dataclass(frozen=True, slots=True)
class WordTask:
    """What is asked of a word, the cell that answers it and what the cell prints."""

    question: str
    kind: str
    code: str
    result: str


def word_task(rng: random.Random) -> WordTask:
    """A random question about a random word.

    The cell holds the word as it lies in the question, with the space before it if there is one: the space is part of
    its first token, and without it the word may be split otherwise.
    """
    text = word(rng)
    letter = rng.choice(text) if rng.random() < 0.7 else rng.choice("aeioustnr")
    forms, kind, code, result = rng.choice(
        (
            (REVERSED, "reverse", "print({}[::-1])", text[::-1]),
            (LENGTH, "length", "print(len({}))", str(len(text))),
            (UPPER, "upper case", "print({}.upper())", text.upper()),
            (COUNT, "letter count", f'print({{}}.count("{letter}"))', str(text.count(letter))),
        )
    )
    shown = rng.choice((text, f'"{text}"', f"'{text}'"))
    question = dress(rng, rng.choice(forms).format(shown, c=letter))
    return WordTask(question, kind, code.format(f'"{as_it_lies(text, question)}".strip()'), result)
