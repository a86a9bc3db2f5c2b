"""Arithmetic: documented phrasings around new expressions, and phrasings that were seen in no form."""

import random

from nano.numbers import LONGEST_RESULT, Expression
from nano.phrasings import CARRIERS, ask
from nano.yardstick.item import Draft

CARRIERS_UNSEEN = (
    "My teacher asked about {}, any idea?",
    "Could you quickly say what {} comes to?",
    "I wonder about {}...",
    "Kindly provide {}",
    "Math help! {}",
    "Yo, {} equals what?",
    "Help me with this one: {}",
    "{} is how much?",
    "Need {} asap",
    "Would you mind checking {} on a calculator?",
    "Suppose someone wrote {}; state its value.",
    "Just {}, nothing else.",
    "Output {} only",
    "Good morning! Got {} here.",
    "Can I get {} from you?",
    "Let's try {}",
    "Perform {} and report back.",
    "Do you happen to know {}?",
    "{} -- go!",
    "I bet you can't do {}",
    "The invoice says {}. What does that make?",
    "For the report we must state {}",
    "Our accountant wrote {} on a napkin; what's the number?",
    "Type out the outcome of {}",
    "Once you have {}, send it over",
    "How large is {}?",
    "Curious: {}",
    "In a hurry - {}!",
    "Settle a bet, {} makes?",
    "I'm stuck at {}",
    "Grandma wants {} worked through",
    "No explanation, {}",
    "Whatever {} turns out to be, write it down",
    "Crunch {}",
    "Check for me whether you can do {}",
    "On my worksheet: {}",
    "Which number equals {}?",
    "Hello again, could {} be evaluated?",
    "Simplify {}",
    "Would {} be something you can handle?",
)
WORDINGS_UNSEEN = {
    "+": ("{a} and {b} added together", "{a} summed with {b}", "{a} increased by {b}", "{b} more than {a}"),
    "-": ("{a} lowered by {b}", "{a} less {b}", "{b} less than {a}", "{a} with {b} taken off"),
    "*": ("{a} multiplied with {b}", "{b} lots of {a}", "{a} scaled by {b}"),
    "/": ("the quotient of {a} and {b}", "{a} split into {b} equal parts", "the ratio of {a} to {b}"),
    "%": ("what is left over when {a} is shared among {b}", "{a} reduced mod {b}"),
    "**": ("{a} with exponent {b}", "exponent {b} on base {a}", "the power with base {a} and exponent {b}"),
}


def number(rng: random.Random) -> int:
    """One to nine digits, each length as likely as the others."""
    digits = rng.randint(1, 9)
    return rng.randrange(10 ** (digits - 1), 10**digits)


def expression(rng: random.Random, operands: int) -> Expression:
    """An expression that training never draws: two to four operands, parentheses around a pair at times."""
    while True:
        numbers = [number(rng) for _ in range(operands)]
        signs = [rng.choice("+-*/%") if rng.random() < 0.9 else "//" for _ in range(operands - 1)]
        if operands == 2 and rng.random() < 0.15:
            numbers, signs = [rng.randint(2, 60), rng.randint(2, 13)], ["**"]
        parts = [str(value) for value in numbers]
        if operands > 2 and rng.random() < 0.5:
            first = rng.randrange(operands - 1)
            parts[first], parts[first + 1] = f"({parts[first]}", f"{parts[first + 1]})"
        text = parts[0] + "".join(f" {sign} {part}" for sign, part in zip(signs, parts[1:], strict=True))
        found = Expression(tuple(numbers), tuple(signs), text)
        if found.split == "test" and fits(found):
            return found


def fits(found: Expression) -> bool:
    """Whether it has a result, and one that is not too long."""
    try:
        return len(found.result) <= LONGEST_RESULT
    except ZeroDivisionError:
        return False


def documented(rng: random.Random) -> Draft:
    """A phrasing of the model card."""
    operands = rng.choice((2, 2, 2, 3, 3, 4))
    found = expression(rng, operands)
    if operands == 2:
        return Draft(ask(rng, found), {"answer": found.result})
    text = found.text if rng.random() < 0.6 else found.text.replace(" ", "")
    return Draft(rng.choice(CARRIERS).format(text), {"answer": found.result})


def unseen(rng: random.Random) -> Draft:
    """A sentence that is in no list of training; in half of them the operation is worded as in none, too."""
    if rng.random() < 0.5:
        found = expression(rng, 2)
        while found.operators[0] not in WORDINGS_UNSEEN:
            found = expression(rng, 2)
        wording = rng.choice(WORDINGS_UNSEEN[found.operators[0]])
        text = wording.format(a=found.operands[0], b=found.operands[1])
    else:
        found = expression(rng, rng.choice((2, 2, 3)))
        text = found.text if rng.random() < 0.6 else found.text.replace(" ", "")
    return Draft(rng.choice(CARRIERS_UNSEEN).format(text), {"answer": found.result})


def turns(rng: random.Random) -> Draft:
    """One or two earlier questions in the same session, then the one that counts."""
    last = documented(rng)
    earlier = [documented(rng).question for _ in range(rng.choice((1, 2)))]
    return Draft(last.question, last.expected, {"earlier": earlier})
