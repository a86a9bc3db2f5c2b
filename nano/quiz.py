"""Lists, dates, units, percentages: what is asked, the cell that answers and what the cell prints."""

import datetime
import random
import statistics

from nano.phrasings import dress
from nano.strings import WordTask
from nano.vocabulary import among_words

_LISTS = (
    (("the maximum of {}", "the largest of {}", "which number of {} is the greatest", "max {}"), "maximum", "max({})"),
    (("the minimum of {}", "the least of {}", "which number of {} is the lowest", "min {}"), "minimum", "min({})"),
    (("the sum of {}", "add {}", "sum up {}", "all of {} in total"), "sum", "sum({})"),
    (("the mean of {}", "the average of {}", "what do {} average", "average {}"), "mean", "mean"),
    (("sort {}", "order {}", "{} sorted", "rank {} by size"), "sorted list", "sorted"),
)
_UNITS = (
    *(("miles", "kilometres", 1.609344), ("pounds", "kilograms", 0.45359237), ("inches", "centimetres", 2.54)),
    *(("feet", "metres", 0.3048), ("gallons", "litres", 3.785412), ("ounces", "grams", 28.349523)),
)


def quiz_task(rng: random.Random) -> WordTask:
    """One of four kinds, lists as often as two others."""
    return rng.choice((_list, _list, _date, _unit, _percent))(rng)


def _list(rng: random.Random) -> WordTask:
    values = [rng.randint(1, 10 ** rng.randint(1, 4)) for _ in range(rng.randint(2, 10))]
    plain = ", ".join(map(str, values))
    shown = rng.choice((plain, plain, f"[{plain}]", " ".join(map(str, values)), plain.replace(", ", " and ")))
    forms, kind, code = rng.choice(_LISTS)
    if code == "mean":
        code, result = f"print(round(sum([{plain}]) / {len(values)}, 6))", str(round(sum(values) / len(values), 6))
    elif code == "sorted":
        code, result = f'print(*sorted([{plain}]), sep=", ")', ", ".join(map(str, sorted(values)))
    else:
        worth = {"max": max(values), "min": min(values), "sum": sum(values)}[code[:3]]
        code, result = f"print({code.format(f'[{plain}]')})", str(worth)
    return WordTask(_asked(rng, forms, shown), kind, code, result)


def _date(rng: random.Random) -> WordTask:
    first = datetime.date(rng.randint(1850, 2050), rng.randint(1, 12), rng.randint(1, 28))
    days = rng.randint(1, 9000)
    second = first + datetime.timedelta(days=days)
    forms, kind, code, result = rng.choice(
        (
            (
                ("the number of days between {a} and {b}", "how many days are between {a} and {b}", "days {a} to {b}"),
                "number of days",
                f'from datetime import date\nd = date.fromisoformat\nprint((d("{second}") - d("{first}")).days)',
                str(days),
            ),
            (
                ("what weekday was {a}", "the weekday of {a}", "what day of the week is {a}"),
                "weekday",
                f'from datetime import date\nprint(date.fromisoformat("{first}").strftime("%A"))',
                first.strftime("%A"),
            ),
            (
                ("what is the date {n} days after {a}", "add {n} days to {a}", "{a} plus {n} days"),
                "date",
                f'from datetime import date, timedelta\nprint(date.fromisoformat("{first}") + timedelta({days}))',
                str(second),
            ),
        )
    )
    return WordTask(dress(rng, rng.choice(forms).format(a=first, b=second, n=days)), kind, code, result)


def _unit(rng: random.Random) -> WordTask:
    source, target, factor = rng.choice(_UNITS)
    amount, sign = rng.randint(1, 99_999), "*"
    if rng.random() < 0.4:
        source, target, sign = target, source, "/"
    value = amount * factor if sign == "*" else amount / factor
    forms = ("{n} {s} in {t}", "how many {t} are {n} {s}", "convert {n} {s} to {t}", "{n} {s} are how many {t}")
    question = rng.choice(forms).format(n=amount, s=source, t=target)
    return WordTask(around(rng, question), target, f"print(round({amount} {sign} {factor}, 6))", str(round(value, 6)))


def _percent(rng: random.Random) -> WordTask:
    share, whole = rng.randint(1, 200), rng.randint(1, 999_999)
    forms, code, value = rng.choice(
        (
            (
                ("{p}% of {n}", "{p} percent of {n}", "{p} % of {n}", "what share of {n} is {p}%"),
                f"{whole} * {share} / 100",
                whole * share / 100,
            ),
            (
                ("{n} plus {p}%", "increase {n} by {p}%", "add {p} percent to {n}", "{n} rises by {p} percent"),
                f"{whole} * (100 + {share}) / 100",
                whole * (100 + share) / 100,
            ),
            (
                ("{n} minus {p}%", "decrease {n} by {p}%", "take {p} percent off {n}", "{n} falls by {p} percent"),
                f"{whole} * (100 - {share}) / 100",
                whole * (100 - share) / 100,
            ),
        )
    )
    question = rng.choice(forms).format(p=share, n=whole)
    return WordTask(around(rng, question), "percentage", f"print(round({code}, 6))", str(round(value, 6)))


def _asked(rng: random.Random, forms: tuple[str, ...], shown: str) -> str:
    return around(rng, rng.choice(forms).format(shown))


def around(rng: random.Random, text: str) -> str:
    """At times with random words around it, and dressed."""
    return dress(rng, among_words(rng, text, 0.4))


def mean(values: list[int]) -> str:
    """What a cell prints for the mean of `values`."""
    return str(round(statistics.fmean(values), 6))
