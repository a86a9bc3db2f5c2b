"""Cells that fail, and the corrected cells that follow."""

import builtins
import json
import math
import random
from dataclasses import dataclass

from nano.numbers import Split, expression
from nano.phrasings import dress
from nano.vocabulary import plain_word

_RUN = (
    *("run {}", "execute {}", "please run {}", "run this: {}", "run the code {}", "what does {} print", "evaluate {}"),
    *("try {}", "python: {}", "the cell {}", "what comes out of {}", "run the line {}", "let python do {}", "{}"),
)
_MISSPELLED = ("prnt", "pritn", "Print", "prin", "print_", "pint", "printt", "PRINT", "rpint", "puts", "prinnt", "echo")
_BUILT_IN = ("len", "sum", "max", "min", "sorted", "abs", "round", "str", "int", "list", "float", "set")
_MATHS = ("sqrt", "isqrt", "factorial", "floor", "ceil", "log2", "gcd", "exp")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A cell that raises, what it shows, and what mends it."""

    question: str
    code: str
    error: str
    """The last line of what the cell shows."""
    why: str
    mended: str
    result: str

    @property
    def shown(self) -> str:
        """What the kernel prints for the first cell."""
        name = self.error.split(":")[0]
        head = f"{'-' * 75}\n{name}{'Traceback (most recent call last)':>{75 - len(name)}}\n"
        return f"{head}Cell In[1], line 1\n----> 1 {self.code}\n\n{self.error}\n"


def mistake(rng: random.Random, split: Split) -> Mistake:
    """A misspelled function, one that was not imported, or a number joined to a text."""
    style = rng.random()
    if style < 0.15:
        return _misspelled(rng)
    if style < 0.45:
        name, found = rng.choice(_MISSPELLED), expression(rng, split)
        inner = found.code[len("print(") : -1]
        return _made(rng, f"{name}({inner})", _undefined(name), "It is called print.", found.code, found.result)
    if style < 0.75:
        return _not_imported(rng)
    text, number = plain_word(rng) if rng.random() < 0.6 else str(rng.randint(0, 999)), rng.randint(0, 9999)
    if rng.random() < 0.7:
        error, why = 'TypeError: can only concatenate str (not "int") to str', "The number must be a text."
        code, mended = f'print("{text}" + {number})', f'print("{text}" + str({number}))'
        return _made(rng, code, error, why, mended, f"{text}{number}")
    error, why = "TypeError: unsupported operand type(s) for +: 'int' and 'str'", "The number must be a text."
    code, mended = f'print({number} + "{text}")', f'print(str({number}) + "{text}")'
    return _made(rng, code, error, why, mended, f"{number}{text}")


def _misspelled(rng: random.Random) -> Mistake:
    """A built-in function with a letter too few, too many or in the wrong place."""
    right = rng.choice(_BUILT_IN)
    at = rng.randrange(len(right))
    wrong = rng.choice(
        (
            right[:at] + right[at + 1 :],
            right[:at] + right[at] + right[at:],
            right[: at - 1] + right[at] + right[at - 1] + right[at + 1 :] if at else right.capitalize(),
        )
    )
    if wrong == right or hasattr(builtins, wrong):
        return _misspelled(rng)
    values = [rng.randint(1, 9999) for _ in range(rng.randint(2, 6))]
    number = rng.randint(2, 99_999) / 100
    argument: list[int] | float | str = (
        values if right in ("len", "sum", "max", "min", "sorted", "set", "list") else number
    )
    argument = str(rng.randint(1, 9999)) if right == "int" else argument
    result = str(getattr(builtins, right)(argument))
    code = f"print({{}}({json.dumps(argument)}))"
    return _made(rng, code.format(wrong), _undefined(wrong), f"It is called {right}.", code.format(right), result)


def _not_imported(rng: random.Random) -> Mistake:
    name = rng.choice(_MATHS)
    values: tuple[float, ...] = (rng.randint(2, 9999) ** 2,) if name in ("sqrt", "isqrt") else (rng.randint(2, 9999),)
    if name in ("factorial", "exp"):
        values = (rng.randint(2, 18),)
    elif name == "gcd":
        values = (rng.randint(2, 99_999), rng.randint(2, 99_999))
    elif name in ("floor", "ceil"):
        values = (rng.randint(0, 99_999) / 100,)
    call = f"print({name}({', '.join(map(str, values))}))"
    result = str(getattr(math, name)(*values))
    if rng.random() < 0.5:
        call = call.replace(name, f"math.{name}")
        return _made(rng, call, _undefined("math"), "Import math.", f"import math\n{call}", result)
    return _made(rng, call, _undefined(name), f"Import {name}.", f"from math import {name}\n{call}", result)


def _undefined(name: str) -> str:
    return f"NameError: name '{name}' is not defined"


def _made(rng: random.Random, code: str, error: str, why: str, mended: str, result: str) -> Mistake:
    form = rng.choice(_RUN)
    if rng.random() < 0.3:
        form = " ".join(plain_word(rng) for _ in range(rng.randint(1, 3))) + " {}"
    if rng.random() < 0.3:
        form += " " + " ".join(plain_word(rng) for _ in range(rng.randint(1, 4)))
    return Mistake(dress(rng, form).format(code), code, error, why, mended, result)
