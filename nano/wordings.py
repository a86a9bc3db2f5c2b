"""Phrasings beyond the documented ones: put together anew for each row, so that none is learned by heart."""

import random

from nano.numbers import Expression
from nano.operations import COMPOSED, LISTED
from nano.phrasings import CARRIERS, COMMANDS, ENDINGS, MARKS, NOUNS, OPENINGS, SYMBOLS
from nano.vocabulary import plain_word, word

_ASKING = (
    *("what could", "do you know", "can someone tell me", "how do I get", "is it true that you know", "guess"),
    *("could you help with", "I was asked for", "I have to hand in", "please return", "report", "state", "write out"),
    *("let me see", "try", "run", "do", "handle", "process", "get", "fetch", "we need", "they want", "she asked for"),
    *(
        "I am after",
        "looking for",
        "my question is",
        "my boss wants",
        "here is one:",
        "next up:",
        "the task:",
        "the sum:",
    ),
    *("explain", "answer", "reply with", "name", "list", "note", "think about", "consider", "look at", "check"),
    *("what would be", "what might", "how big is", "how high is", "how many is", "which value has", "any clue about"),
)
_AFTER = (
    *(
        "be",
        "come to",
        "amount to",
        "make",
        "yield",
        "equal",
        "produce",
        "is what I need",
        "is the question",
        "quickly",
    ),
    *(
        "in full",
        "as a number",
        "if you can",
        "when you have time",
        "and tell me",
        "and nothing more",
        "today",
        "again",
    ),
    *("for the class", "to be sure", "once more", "and stop", "in digits", "would be what", "gives what", "is what"),
    *("equals", "makes", "- can you?", "- thanks a lot", "(no words)", "at once", "right away", "or so I think"),
)


def ask_anyhow(rng: random.Random, found: Expression) -> str:
    """A question for `found` in a phrasing that is made up: known words, random words, any marks around it."""
    text = _worded(rng, found)
    style = rng.random()
    if style < 0.3:
        text = rng.choice(CARRIERS).format(text)
    elif style < 0.65:
        text = f"{rng.choice(_ASKING)} {text}"
        if rng.random() < 0.5:
            text += f" {rng.choice(_AFTER)}"
    elif style < 0.8:
        text += f" {rng.choice(_AFTER)}"
    if rng.random() < 0.7:
        text = _among_words(rng, text)
    if rng.random() < 0.25:
        text = rng.choice(OPENINGS) + text
    if rng.random() < 0.15:
        text += rng.choice(ENDINGS)
    text += rng.choice((*MARKS, "...", "?!", ""))
    return text[:1].upper() + text[1:] if rng.random() < 0.65 else text


def _among_words(rng: random.Random, text: str) -> str:
    """`text` with random words before and after it, and something between them."""
    draw = plain_word if rng.random() < 0.7 else word
    before = " ".join(draw(rng) for _ in range(rng.choice((0, 1, 2, 3, 4, 5))))
    after = " ".join(draw(rng) for _ in range(rng.choice((0, 0, 1, 2, 3, 5))))
    if rng.random() < 0.2 and before:
        before += "'s" if rng.random() < 0.5 else f" {rng.choice(('I', 'a', 'the', 'of', 'to', 'we', 'you', 'my'))}"
    start = before + rng.choice((" ", " ", ", ", ": ", ". ", " - ", "! ", "; ")) if before else ""
    end = rng.choice((" ", " ", ", ", ". ", " - ", "; ", "? ")) + after if after else ""
    return start + text + end


def _worded(rng: random.Random, found: Expression) -> str:
    if len(found.operands) > 2 or rng.random() < 0.35:
        style = rng.random()
        if len(found.operands) == 2 and style < 0.5:
            return rng.choice(SYMBOLS[found.operators[0]]).format(a=found.operands[0], b=found.operands[1])
        return found.text if style < 0.75 else found.text.replace(" ", "")
    forms = rng.choice((LISTED, COMPOSED, COMPOSED, NOUNS, COMMANDS, COMMANDS))
    return rng.choice(forms.get(found.operators[0]) or LISTED[found.operators[0]]).format(
        a=found.operands[0], b=found.operands[1]
    )
