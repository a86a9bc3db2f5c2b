"""Phrasings beyond the documented ones: put together anew for each row, so that none is learned by heart."""

import random

from nano.numbers import Expression
from nano.phrasings import CARRIERS, COMMANDS, ENDINGS, MARKS, NOUNS, OPENINGS, SYMBOLS
from nano.vocabulary import plain_word, word

_WORDED: dict[str, tuple[str, ...]] = {
    "+": (
        "{a} and {b} summed",
        "the total of {a} and {b}",
        "{a} together with {b}",
        "{a} with {b} added",
        "{a} and also {b}",
        "{a} raised by {b}",
        "{b} on top of {a}",
        "increase {a} by {b}",
        "combine {a} and {b}",
        "{a} plus another {b}",
        "{b} summed onto {a}",
        "summing {a} and {b}",
        "sum up {a} and {b}",
        "total {a} and {b}",
        "{a} combined with {b}",
        "{a} grown by {b}",
        "raise {a} by {b}",
        "{a} boosted by {b}",
        "{b} greater than {a}",
        "{b} above {a}",
        "an increase of {a} by {b}",
        "{a} joined with {b}",
        "put {a} and {b} together",
        "{a} augmented by {b}",
        "{a} and {b} more",
    ),
    "-": (
        "{a} take away {b}",
        "{a} reduced by {b}",
        "{b} subtracted from {a}",
        "{b} taken from {a}",
        "{a} without {b}",
        "{a} decreased by {b}",
        "reduce {a} by {b}",
        "deduct {b} from {a}",
        "take {b} off {a}",
        "how much more is {a} than {b}",
        "what remains of {a} after {b} is removed",
        "{a} lessened by {b}",
        "lower {a} by {b}",
        "{b} below {a}",
        "{b} fewer than {a}",
        "{a} diminished by {b}",
        "{a} after taking off {b}",
        "{b} off {a}",
        "{a} cut by {b}",
        "drop {a} by {b}",
        "remove {b} from {a}",
        "{b} smaller than {a}",
        "{a} but {b} less",
        "the gap from {b} to {a}",
        "withdraw {b} from {a}",
        "{a} down by {b}",
    ),
    "*": (
        "{a} by {b} multiplied",
        "{b} times as much as {a}",
        "{a} groups of {b}",
        "{a} and {b} multiplied",
        "{a} repeated {b} times",
        "{b} copies of {a}",
        "multiply {a} with {b}",
        "scale {a} by {b}",
        "multiplying {a} by {b}",
        "{a} multiplied {b} times",
        "{b} sets of {a}",
        "scaling {a} by {b}",
        "{b} lots, each of {a}",
        "{a} scaled up {b} times",
        "{b}-fold {a}",
        "the product from {a} with {b}",
        "{a} taken {b} times",
        "{b} rows of {a}",
        "{b} piles with {a} in each",
        "{a} apiece for {b}",
    ),
    "/": (
        "the fraction {a} over {b}",
        "{a} shared equally by {b}",
        "{a} parted into {b}",
        "the quotient {a} by {b}",
        "dividing {a} by {b}",
        "split {a} into {b}",
        "{a} divided into {b}",
        "how often does {b} go into {a}",
        "{a} cut into {b} parts",
        "{a} split evenly over {b}",
        "{a} distributed among {b}",
        "{a} per {b}",
        "the ratio {a} over {b}",
        "{a} in {b} equal shares",
        "share {a} between {b}",
        "one of {b} equal parts of {a}",
        "how many times does {b} fit into {a}",
        "part {a} into {b}",
        "the quotient when {a} is divided by {b}",
    ),
    "//": ("{a} floor-divided by {b}", "{a} div {b}", "the whole part of {a} divided by {b}"),
    "%": (
        "the rest of {a} divided by {b}",
        "the remainder when {a} is divided by {b}",
        "{a} modulus {b}",
        "what remains when dividing {a} by {b}",
        "{a} modulo by {b}",
        "the leftover of {a} divided by {b}",
        "what is left when {a} is split by {b}",
        "reduce {a} modulo {b}",
        "the residue of {a} modulo {b}",
        "{a} shared by {b} leaves what",
        "the remainder of {a} over {b}",
    ),
    "**": (
        "{a} to the {b}th power",
        "the {b}th power of {a}",
        "{a} raised to {b}",
        "base {a}, power {b}",
        "{a} to the {b}",
        "the power {b} of {a}",
        "base {a} with exponent {b}",
        "{a} to the exponent {b}",
        "{a} raised to exponent {b}",
        "raise {a} to the power {b}",
        "the exponent {b} applied to {a}",
        "{b} as the exponent of {a}",
        "take {a} to the power of {b}",
    ),
}
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
    forms = rng.choice((_WORDED, _WORDED, _WORDED, NOUNS, COMMANDS))
    return rng.choice(forms.get(found.operators[0]) or _WORDED[found.operators[0]]).format(
        a=found.operands[0], b=found.operands[1]
    )
