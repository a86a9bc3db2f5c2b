"""Questions about one word."""

import random
from dataclasses import dataclass

from nano.composed import SHARE, word_form
from nano.phrasings import dress
from nano.vocabulary import among_words, as_it_lies, encode, word

REVERSED = (
    *("reverse the word {}", "reverse {}", "spell {} backwards", "what is {} reversed", "write {} backwards"),
    *("{} backwards", "{} read from right to left", "turn {} around", "flip the letters of {}", "the reverse of {}"),
)
LENGTH = (
    *("how many letters are in {}", "how long is the word {}", "what is the length of {}", "count the letters in {}"),
    *("letters in {}", "number of letters of {}", "the length of {}", "how many characters has {}", "measure {}"),
)
UPPER = (
    *("convert {} to upper case", "uppercase {}", "write {} in capital letters", "{} in upper case", "capitals of {}"),
    *("make {} all capitals", "shout {}", "put {} in capitals"),
)
COUNT = (
    *("how many times does the letter {c} appear in {}", "how many times does {c} occur in {}", "{c} in {}, how often"),
    *("count the letter {c} in {}", "how many {c}'s are in {}", "count {c} in {}", "how often has {} the letter {c}"),
    *("number of {c} in {}", "how often is {c} in {}", "the letter {c}, how many of it are in {}"),
)
FIRST = ("the first letter of {}", "what does {} begin with", "first character of {}", "which letter starts {}")
LAST = ("the last letter of {}", "what does {} end with", "last character of {}", "which letter ends {}")
VOWELS = ("how many vowels are in {}", "count the vowels of {}", "vowels in {}", "number of vowels that {} has")
SORTED = (
    "sort the letters of {}",
    "the letters of {} in order",
    "{} with its letters sorted",
    "order the letters in {}",
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
            (COUNT, "letter count", f'print({{}}.count("{letter}"))', str(text.count(letter))),
            (FIRST, "first letter", "print({}[0])", text[0]),
            (LAST, "last letter", "print({}[-1])", text[-1]),
            (VOWELS, "vowel count", 'print(sum(c in "aeiou" for c in {}))', str(sum(c in "aeiou" for c in text))),
            (SORTED, "sorted letters", 'print("".join(sorted({})))', "".join(sorted(text))),
        )
    )
    shown = rng.choice((text, f'"{text}"', f"'{text}'"))
    form = " ".join(word_form(rng, kind).split()) if rng.random() < SHARE else rng.choice(forms)
    if form.startswith("{}") and len(encode(shown)) > 1:
        form = f"say {form}"  # with a capital its tokens would be others
    question = dress(rng, among_words(rng, form.format(shown, c=letter), 0.3))
    return WordTask(question, kind, code.format(f'"{as_it_lies(text, question)}".strip()'), result)
