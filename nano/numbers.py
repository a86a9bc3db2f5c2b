"""Arithmetic expressions with random integers, and which of them are kept out of training."""

import hashlib
import random
from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "dev", "test"]

LONGEST_RESULT = 24
"""Characters of the longest result that nano is trained on."""

KINDS = {
    "+": "sum",
    "-": "difference",
    "*": "product",
    "/": "quotient",
    "//": "whole quotient",
    "%": "remainder",
    "**": "power",
}
"""Operators, and what the analysis calls their results; an expression of several operators has a "value"."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A Python expression of integers."""

    operands: tuple[int, ...]
    operators: tuple[str, ...]
    text: str
    """As Python, one space around each operator."""

    @property
    def kind(self) -> str:
        return KINDS[self.operators[0]] if len(self.operators) == 1 else "value"

    @property
    def code(self) -> str:
        """The cell that prints it: quotients are rounded, since nobody wants sixteen digits of one."""
        return f"print(round({self.text}, 6))" if "/" in self.operators else f"print({self.text})"

    @property
    def result(self) -> str:
        """What the cell prints, without the newline."""
        value = eval(self.text, {"__builtins__": {}})  # the text is our own: integers and operators
        return str(round(value, 6) if "/" in self.operators else value)

    @property
    def split(self) -> Split:
        """By hash: about 8 % of all expressions are only ever in the test set, 4 % only in the development set."""
        bucket = hashlib.sha256(self.text.encode()).digest()[0]
        return "test" if bucket < 20 else "dev" if bucket < 30 else "train"


def number(rng: random.Random) -> int:
    """An integer of 1 to 9 digits; some are round, some repeat a group of digits."""
    digits = rng.choice((1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8, 9))
    style = rng.random()
    if style < 0.08:
        return _repeating(rng, digits)
    if style < 0.14:
        zeros = rng.randint(1, 6)
        return int(f"{rng.randint(1, 99)}{'0' * zeros}")
    return rng.randint(10 ** (digits - 1) if digits > 1 else 0, 10**digits - 1)


def expression(rng: random.Random, split: Split) -> Expression:
    """A random expression of `split` whose result is at most `LONGEST_RESULT` characters long."""
    while True:
        found = _binary(rng) if rng.random() < 0.72 else _ternary(rng)
        if found.split == split and _fits(found):
            return found


def long_expression(rng: random.Random, split: Split) -> Expression:
    """Two to four operands with any operators between them, a pair of them in parentheses at times."""
    while True:
        operands = [number(rng) for _ in range(rng.choice((2, 3, 3, 4, 4)))]
        operators = [rng.choice(("+", "-", "*", "/", "//", "%")) for _ in operands[1:]]
        parts = [str(operand) for operand in operands]
        if len(parts) > 2 and rng.random() < 0.5:
            first = rng.randrange(len(parts) - 1)
            parts[first], parts[first + 1] = f"({parts[first]}", f"{parts[first + 1]})"
        text = parts[0] + "".join(f" {sign} {part}" for sign, part in zip(operators, parts[1:], strict=True))
        found = Expression(tuple(operands), tuple(operators), text)
        if found.split == split and _fits(found):
            return found


def _repeating(rng: random.Random, digits: int) -> int:
    unit = str(rng.randint(1, 10 ** rng.randint(1, 3) - 1))
    return int((unit * 9)[:digits])


def _binary(rng: random.Random) -> Expression:
    operator = rng.choice(("*", "*", "*", "*", "+", "+", "+", "-", "-", "-", "//", "%", "/", "/", "**", "**"))
    if operator == "**":
        a, b = _power(rng)
    else:
        a = number(rng)
        b = a if rng.random() < 0.04 else number(rng)
    return Expression((a, b), (operator,), f"{a} {operator} {b}")


def _power(rng: random.Random) -> tuple[int, int]:
    style = rng.random()
    if style < 0.3:
        return rng.choice((2, 2, 3, 5, 7, 10)), rng.randint(2, 79)
    if style < 0.7:
        return rng.randint(2, 99), rng.randint(2, 12)
    return rng.randint(2, 99_999), rng.choice((2, 2, 3, 4))


_SHAPES = (
    "({0} {3} {1}) {4} {2}",
    "({0} {3} {1}) {4} {2}",
    "{0} {3} ({1} {4} {2})",
    "{0} {3} ({1} {4} {2})",
    "{0} {3} {1} {4} {2}",
    "{0} {3} {1} {4} {2}",
)


def _ternary(rng: random.Random) -> Expression:
    first, second = rng.choice("+-*"), rng.choice("+-*+-*/")
    operands = (number(rng), number(rng), number(rng))
    text = rng.choice(_SHAPES).format(*operands, first, second)
    return Expression(operands, (first, second), text)


def _fits(found: Expression) -> bool:
    try:
        return len(found.result) <= LONGEST_RESULT
    except ZeroDivisionError:
        return False
