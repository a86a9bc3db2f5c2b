"""Questions about one word."""

import random
from dataclasses import dataclass

from nano.phrasings import dress
from nano.vocabulary import splits_alike, word

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
    """A random question about a random word; unquoted only if the word is split alike with and without a space."""
    text = word(rng)
    shown = text if rng.random() < 0.4 and splits_alike(text) else f'"{text}"'
    letter = rng.choice(text) if rng.random() < 0.7 else rng.choice("aeioustnr")
    forms, kind, code, result = rng.choice(
        (
            (REVERSED, "reverse", f'print("{text}"[::-1])', text[::-1]),
            (LENGTH, "length", f'print(len("{text}"))', str(len(text))),
            (UPPER, "upper case", f'print("{text}".upper())', text.upper()),
            (COUNT, "letter count", f'print("{text}".count("{letter}"))', str(text.count(letter))),
        )
    )
    return WordTask(dress(rng, rng.choice(forms).format(shown, c=letter)), kind, code, result)
