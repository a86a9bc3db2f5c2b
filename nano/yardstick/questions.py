"""Questions that python answers and that are no plain arithmetic: words, lists, dates, units, percentages, files."""

import datetime
import random
import statistics

from nano.yardstick.arithmetic import expression
from nano.yardstick.item import Draft
from nano.yardstick.words import NAMES, NOUNS, PLAIN


def questions(rng: random.Random) -> Draft:
    """One of five kinds, each as likely as the others."""
    return rng.choice((word, numbers, date, unit, percent))(rng)


def word(rng: random.Random) -> Draft:
    text = rng.choice(PLAIN if rng.random() < 0.5 else NAMES)
    letter = rng.choice(text)
    kind = rng.randrange(5)
    form, answer = (
        (("Turn {w} around, last letter first", "Mirror the word '{w}'"), text[::-1]),
        (("'{w}' consists of how many letters?", "State how many characters {w} has"), str(len(text))),
        (("Shout {w}, all capitals", "Give '{w}' in uppercase letters"), text.upper()),
        (("In '{w}', count every {c}", "The letter {c}: how often is it in {w}?"), str(text.count(letter))),
        (("Sort the letters of '{w}' alphabetically", "Letters of {w} in alphabetical order"), "".join(sorted(text))),
    )[kind]
    return Draft(rng.choice(form).format(w=text, c=letter), {"answer": answer})


def numbers(rng: random.Random) -> Draft:
    values = [rng.randint(1, 999) for _ in range(rng.randint(3, 9))]
    shown = rng.choice((", ".join(map(str, values)), str(values), " ".join(map(str, values))))
    form, answer = rng.choice(
        (
            (("Which of {} is biggest?", "Largest among {}"), str(max(values))),
            (("Which of {} is tiniest?", "Smallest among {}"), str(min(values))),
            (("Total up {}", "Together, {} come to?"), str(sum(values))),
            (("On average, how big are {}?", "Arithmetic mean for {}"), _rounded(statistics.mean(values))),
            (("Put {} in ascending order", "Arrange {} from low to high"), ", ".join(map(str, sorted(values)))),
        )
    )
    return Draft(rng.choice(form).format(shown), {"answer": answer})


def date(rng: random.Random) -> Draft:
    first = datetime.date(rng.randint(1900, 2040), rng.randint(1, 12), rng.randint(1, 28))
    days = rng.randint(1, 4000)
    second = first + datetime.timedelta(days=days)
    form, answer = rng.choice(
        (
            (("From {a} until {b}, how many days pass?", "Days separating {a} and {b}"), str(days)),
            (("{a} fell on which weekday?", "Name the weekday for {a}"), first.strftime("%A")),
            (("Which date comes {n} days past {a}?", "{n} days on from {a}"), str(second)),
        )
    )
    return Draft(rng.choice(form).format(a=first, b=second, n=days), {"answer": answer})


_UNITS = (("miles", "kilometres", 1.609344), ("pounds", "kilograms", 0.45359237), ("inches", "centimetres", 2.54))


def unit(rng: random.Random) -> Draft:
    source, target, factor = rng.choice(_UNITS)
    amount = rng.randint(2, 9999)
    if rng.random() < 0.4:
        source, target, factor = target, source, 1 / factor
    form = rng.choice(("{n} {s} expressed in {t}", "If it is {n} {s}, how many {t} is that?", "{t} in {n} {s}"))
    return Draft(form.format(n=amount, s=source, t=target), {"answer": _rounded(amount * factor)})


def percent(rng: random.Random) -> Draft:
    share, whole = rng.randint(1, 150), rng.randint(2, 99_999)
    form, answer = rng.choice(
        (
            (("Take {p}% of {n}", "{p} per cent out of {n}"), whole * share / 100),
            (("{n} grows by {p}%; the new amount?", "Raise {n} by {p} percent"), whole * (100 + share) / 100),
        )
    )
    return Draft(rng.choice(form).format(p=share, n=whole), {"answer": _rounded(answer)})


_WRONG = ("prnt", "Print", "pritn", "prin", "print_")


def mistake(rng: random.Random) -> Draft:
    """Code that fails as it stands: the first cell raises, a corrected one must follow."""
    if rng.random() < 0.5:
        found = expression(rng, 2)
        code, answer = f"{rng.choice(_WRONG)}({found.code[6:-1]})", found.result
    elif rng.random() < 0.5:
        name, value = rng.choice((("isqrt", int), ("sqrt", float)))
        root = rng.randint(12, 999)
        code, answer = f"print({name}({root * root}))", str(value(root))
    else:
        label, value_ = rng.choice(PLAIN), rng.randint(10, 9999)
        code, answer = f'print("{label}" + {value_})', f"{label}{value_}"
    form = rng.choice(("Carry out {}", "Have python do {}", "{} - try it and give me the outcome", "What comes of {}?"))
    return Draft(form.format(code), {"answer": answer})


def file(rng: random.Random) -> Draft:
    """A table in `/mnt/data` and a question about one of its columns."""
    name, (label, column, other) = rng.choice(NAMES), rng.sample(NOUNS, 3)
    rows = [(rng.choice(NAMES), rng.randint(1, 9999), rng.randint(1, 99)) for _ in range(rng.randint(4, 30))]
    table = f"{label},{column},{other}\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows)
    values = [b for _, b, _ in rows]
    form, answer = rng.choice(
        (
            (("Average {c} according to {f}?", "{f}: mean {c}, please"), _rounded(statistics.mean(values))),
            (("Highest {c} listed in {f}", "What's the top {c} inside {f}?"), str(max(values))),
            (("Lowest {c} listed in {f}", "What's the bottom {c} inside {f}?"), str(min(values))),
            (("Add up all {c} values of {f}", "{f}: {c} in total?"), str(sum(values))),
            (("How many entries does {f} hold?", "Count the data rows of {f}"), str(len(rows))),
        )
    )
    question = rng.choice(form).format(c=column, f=f"{name}.csv")
    return Draft(question, {"answer": answer}, {"files": {f"{name}.csv": table}})


def _rounded(value: float) -> str:
    value = round(value, 6)
    return str(int(value)) if value == int(value) else str(value)
