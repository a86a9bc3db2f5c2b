"""The phrasings of arithmetic that nano knows: the model card lists them, and the held-out questions use them."""

import random

from nano.numbers import Expression

SYMBOLS: dict[str, tuple[str, ...]] = {
    "+": ("{a} + {b}", "{a}+{b}"),
    "-": ("{a} - {b}", "{a}-{b}"),
    "*": ("{a} * {b}", "{a} * {b}", "{a}*{b}", "{a}*{b}", "{a} x {b}", "{a} × {b}"),
    "/": ("{a} / {b}", "{a}/{b}", "{a} ÷ {b}"),
    "//": ("{a} // {b}", "{a}//{b}"),
    "%": ("{a} % {b}", "{a}%{b}", "{a} mod {b}"),
    "**": ("{a} ** {b}", "{a}**{b}", "{a}^{b}", "{a} ^ {b}"),
}
NOUNS: dict[str, tuple[str, ...]] = {
    "+": ("{a} plus {b}", "the sum of {a} and {b}", "{a} added to {b}"),
    "-": ("{a} minus {b}", "the difference between {a} and {b}"),
    "*": ("{a} times {b}", "{a} multiplied by {b}", "the product of {a} and {b}"),
    "/": ("{a} divided by {b}", "{a} over {b}"),
    "//": ("{a} integer-divided by {b}",),
    "%": ("{a} modulo {b}", "the remainder of {a} divided by {b}"),
    "**": ("{a} to the power of {b}", "{a} to the power {b}", "{a} raised to the power {b}"),
}
COMMANDS: dict[str, tuple[str, ...]] = {
    "+": ("add {a} and {b}", "add {a} to {b}"),
    "-": ("subtract {b} from {a}",),
    "*": ("multiply {a} by {b}", "multiply {a} and {b}"),
    "/": ("divide {a} by {b}",),
}
CARRIERS: tuple[str, ...] = (
    "{}",
    "{} =",
    "{} = ?",
    "what is {}",
    "what's {}",
    "how much is {}",
    "calculate {}",
    "compute {}",
    "evaluate {}",
    "solve {}",
    "work out {}",
    "figure out {}",
    "find {}",
    "determine {}",
    "tell me {}",
    "give me {}",
    "show me {}",
    "print {}",
    "I need {}",
    "I want to know {}",
    "what is the result of {}",
    "what is the value of {}",
    "what is the answer to {}",
    "what does {} give",
    "what do you get for {}",
    "what about {}",
    "can you calculate {}",
    "can you compute {}",
    "could you compute {}",
    "could you work out {}",
    "would you calculate {}",
    "use python to compute {}",
    "use python: {}",
    "with python, what is {}",
)
COMMAND_CARRIERS: tuple[str, ...] = (
    "{}",
    "{}",
    "{}",
    "can you {}",
    "could you {}",
    "would you {}",
    "I want to {}",
    "use python to {}",
)
OPENINGS: tuple[str, ...] = ("please ", "hey, ", "hi, ", "hello, ", "ok, ", "so ", "now ", "and ", "then ", "next, ")
ENDINGS: tuple[str, ...] = (" please", ", please", " for me", " thanks", ", thanks", " exactly", " with python", " now")
MARKS: tuple[str, ...] = ("", "", "?", "?", ".", "!")


def ask(rng: random.Random, found: Expression, *, words: float = 0.4) -> str:
    """A question for `found` in a random documented phrasing; `words`: how often operators are words."""
    command = len(found.operands) == 2 and found.operators[0] in COMMANDS and rng.random() < 0.375 * words
    carrier = rng.choice(COMMAND_CARRIERS if command else CARRIERS)
    return dress(rng, carrier.format(_command(rng, found) if command else noun(rng, found, words)))


def dress(rng: random.Random, text: str) -> str:
    """Add an opening, an ending and a mark at times, and a capital letter mostly."""
    opening = rng.choice(OPENINGS) if rng.random() < 0.3 else ""
    ending = rng.choice(ENDINGS) if rng.random() < 0.2 and not text.endswith(("=", "?")) else ""
    mark = "" if text.endswith(("=", "?")) else rng.choice(MARKS)
    text = opening + text + ending + mark
    return text[:1].upper() + text[1:] if rng.random() < 0.65 else text


def noun(rng: random.Random, found: Expression, words: float = 0.4) -> str:
    """`found` as it stands in a question: symbols with or without spaces, or words."""
    if len(found.operands) == 3:
        return _ternary(rng, found)
    operator = found.operators[0]
    a, b = found.operands
    if operator == "**" and b in (2, 3) and rng.random() < 0.5:
        return f"{a} " + ("squared" if b == 2 else "cubed")
    forms = SYMBOLS if rng.random() < 1 - words else NOUNS
    return rng.choice(forms[operator]).format(a=a, b=b)


def _command(rng: random.Random, found: Expression) -> str:
    a, b = found.operands
    return rng.choice(COMMANDS[found.operators[0]]).format(a=a, b=b)


def _ternary(rng: random.Random, found: Expression) -> str:
    style = rng.random()
    if style < 0.5:
        return found.text
    if style < 0.8 or "(" in found.text or not set(found.operators) <= {"+", "-"}:
        return found.text.replace(" ", "")
    return found.text.replace("+", "plus").replace("-", "minus")
