"""Lists, dates, units, percentages: what is asked, the cell that answers and what the cell prints."""

import datetime
import random
import statistics
from collections.abc import Callable

from nano.composed import (
    SHARE,
    days_form,
    earlier_form,
    later_form,
    list_form,
    lowered_form,
    raised_form,
    share_form,
    unit_form,
    weekday_form,
)
from nano.phrasings import dress
from nano.strings import WordTask
from nano.vocabulary import among_words

_LISTS = (
    (
        *("the maximum of {}", "the largest of {}", "which number of {} is the greatest", "max {}", "{}: the biggest"),
        *("among {} the highest", "which is largest, {}", "out of {} take the greatest", "the top one of {}"),
    ),
    (
        *("the minimum of {}", "the least of {}", "which number of {} is the lowest", "min {}", "{}: the tiniest"),
        *("among {} the lowest", "which is smallest, {}", "out of {} take the least", "the bottom one of {}"),
    ),
    (
        *("the sum of {}", "add {}", "sum up {}", "all of {} in total", "{}: total", "put {} together"),
        *("{} all added up", "what do {} come to", "sum: {}"),
    ),
    (
        *("the mean of {}", "the average of {}", "what do {} average", "average {}", "{}: mean", "{} on average"),
        *("the arithmetic mean of {}", "mean of {}", "average out {}"),
    ),
    (
        *("sort {}", "order {}", "{} sorted", "rank {} by size", "{}: sort them", "arrange {} from small to large"),
        *("put {} in order", "{} in rising order"),
    ),
    (
        *("the median of {}", "which is the middle of {}", "median {}", "{}: median", "the middle value among {}"),
        *("the middle number out of {}",),
    ),
    (
        *("the range of {}", "how far apart are {} at most", "{}: largest minus smallest", "the spread of {}"),
        *("the gap from the least to the greatest of {}",),
    ),
)
_LIST_KINDS = ("maximum", "minimum", "sum", "mean", "sorted list", "median", "range")
_UNITS = (
    *(("miles", "kilometres", 1.609344), ("pounds", "kilograms", 0.45359237), ("inches", "centimetres", 2.54)),
    *(("feet", "metres", 0.3048), ("gallons", "litres", 3.785412), ("ounces", "grams", 28.349523)),
    *(("yards", "metres", 0.9144), ("hours", "minutes", 60), ("minutes", "seconds", 60), ("days", "hours", 24)),
    *(
        ("weeks", "days", 7),
        ("kilometres", "metres", 1000),
        ("kilograms", "grams", 1000),
        ("tonnes", "kilograms", 1000),
    ),
    *(("metres", "centimetres", 100), ("centimetres", "millimetres", 10), ("litres", "millilitres", 1000)),
    *(("hours", "seconds", 3600), ("years", "months", 12), ("feet", "inches", 12), ("pounds", "ounces", 16)),
)
_SHORT = {"kilometres": "km", "metres": "m", "centimetres": "cm", "kilograms": "kg", "grams": "g", "litres": "l"}


def quiz_task(rng: random.Random) -> WordTask:
    """One of four kinds, lists as often as two others."""
    return rng.choice((_list, _list, _date, _unit, _percent))(rng)


def _list(rng: random.Random) -> WordTask:
    values = [rng.randint(1, 10 ** rng.randint(1, 4)) for _ in range(rng.randint(2, 10))]
    plain = ", ".join(map(str, values))
    shown = rng.choice((plain, plain, f"[{plain}]", " ".join(map(str, values)), plain.replace(", ", " and ")))
    at = rng.choice((0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6))
    forms, kind = _LISTS[at], _LIST_KINDS[at]
    code, result = {
        "maximum": (f"print(max([{plain}]))", str(max(values))),
        "minimum": (f"print(min([{plain}]))", str(min(values))),
        "sum": (f"print(sum([{plain}]))", str(sum(values))),
        "mean": (f"print(round(sum([{plain}]) / {len(values)}, 6))", mean(values)),
        "sorted list": (f'print(*sorted([{plain}]), sep=", ")', ", ".join(map(str, sorted(values)))),
        "median": (f"import statistics\nprint(statistics.median([{plain}]))", str(statistics.median(values))),
        "range": (f"v = [{plain}]\nprint(max(v) - min(v))", str(max(values) - min(values))),
    }[kind]
    form = list_form(rng, kind) if rng.random() < SHARE else rng.choice(forms)
    return WordTask(around(rng, form.format(shown)), kind, code, result)


def _date(rng: random.Random) -> WordTask:
    first = datetime.date(rng.randint(1850, 2050), rng.randint(1, 12), rng.randint(1, 28))
    days = rng.randint(1, 9000) if rng.random() < 0.7 else rng.randint(1, 99)
    second = first + datetime.timedelta(days=days)
    a, b, head, read = _written(rng, first, second)
    forms, composed, kind, code, result = rng.choice(
        (
            (
                (
                    *("the number of days between {a} and {b}", "how many days are between {a} and {b}"),
                    *("days {a} to {b}", "from {a} until {b}, how many days", "how many days lie from {a} to {b}"),
                    *("count the days between {a} and {b}", "the days that pass between {a} and {b}"),
                ),
                days_form,
                "number of days",
                f"{head}\nprint(({read(b)} - {read(a)}).days)",
                str(days),
            ),
            (
                (
                    *(
                        "what weekday was {a}",
                        "the weekday of {a}",
                        "what day of the week is {a}",
                        "{a}, which weekday",
                    ),
                    *("weekday for {a}", "on which day of the week falls {a}", "tell me the weekday on {a}"),
                ),
                weekday_form,
                "weekday",
                f'{head}\nprint({read(a)}.strftime("%A"))',
                first.strftime("%A"),
            ),
            (
                (
                    *("what is the date {n} days after {a}", "add {n} days to {a}", "{a} plus {n} days"),
                    *("{n} days from {a}", "which date follows {a} by {n} days", "{n} days later than {a}"),
                ),
                later_form,
                "date",
                f"{head}, timedelta\nprint({read(a)} + timedelta({days}))",
                str(second),
            ),
            (
                (
                    "what is the date {n} days before {b}",
                    "take {n} days from {b}",
                    "{b} minus {n} days",
                    "{n} days ere {b}",
                ),
                earlier_form,
                "earlier date",
                f"{head}, timedelta\nprint({read(b)} - timedelta({days}))",
                str(first),
            ),
        )
    )
    form = composed(rng) if rng.random() < SHARE else rng.choice(forms)
    return WordTask(around(rng, form.format(a=a, b=b, n=days)), kind, code, result)


def _written(
    rng: random.Random, first: datetime.date, second: datetime.date
) -> tuple[str, str, str, Callable[[str], str]]:
    """(one date as a question writes it, the other, the import that reads them, what reads one)."""
    head = "from datetime import date"
    if rng.random() < 0.7:
        return str(first), str(second), head, lambda text: f'date.fromisoformat("{text}")'
    pattern = rng.choice(("%d %B %Y", "%d %B %Y", "%d/%m/%Y", "%d.%m.%Y"))
    a, b = first.strftime(pattern), second.strftime(pattern)
    return a, b, f"{head}, datetime", lambda text: f'datetime.strptime("{text}", "{pattern}").date()'


def _unit(rng: random.Random) -> WordTask:
    source, target, factor = rng.choice(_UNITS)
    amount, sign = rng.randint(1, 99_999), "*"
    if rng.random() < 0.4:
        source, target, sign = target, source, "/"
    value = amount * factor if sign == "*" else amount / factor
    forms = (
        *("{n} {s} in {t}", "how many {t} are {n} {s}", "convert {n} {s} to {t}", "{n} {s} are how many {t}"),
        *("express {n} {s} in {t}", "what are {n} {s} in {t}", "{n} {s} to {t}", "turn {n} {s} into {t}"),
        *("in {t}, {n} {s}", "how much is {n} {s} in {t}", "{n} {s}, how many {t} is that", "change {n} {s} into {t}"),
    )
    if rng.random() < 0.2:
        source, target = _SHORT.get(source, source), _SHORT.get(target, target)
    form = unit_form(rng) if rng.random() < SHARE else rng.choice(forms)
    question = form.format(n=amount, s=source, t=target)
    return WordTask(around(rng, question), target, f"print(round({amount} {sign} {factor}, 6))", str(round(value, 6)))


def _percent(rng: random.Random) -> WordTask:
    share, whole = rng.randint(1, 200), rng.randint(1, 999_999)
    forms, composed, code, value = rng.choice(
        (
            (
                (
                    *("{p}% of {n}", "{p} percent of {n}", "{p} % of {n}", "what share of {n} is {p}%"),
                    *("{p} per cent from {n}", "of {n}, {p} percent", "get {p}% of {n}", "{p} hundredths of {n}"),
                ),
                share_form,
                f"{whole} * {share} / 100",
                whole * share / 100,
            ),
            (
                (
                    *("{n} plus {p}%", "increase {n} by {p}%", "add {p} percent to {n}", "{n} rises by {p} percent"),
                    *("{n} grown by {p}%", "{n} with {p}% on top", "lift {n} by {p} percent", "{n} up {p}%"),
                ),
                raised_form,
                f"{whole} * (100 + {share}) / 100",
                whole * (100 + share) / 100,
            ),
            (
                (
                    *("{n} minus {p}%", "decrease {n} by {p}%", "take {p} percent off {n}", "{n} falls by {p} percent"),
                    *("{n} cut by {p}%", "{n} with {p}% off", "lower {n} by {p} percent", "{n} down {p}%"),
                ),
                lowered_form,
                f"{whole} * (100 - {share}) / 100",
                whole * (100 - share) / 100,
            ),
        )
    )
    form = composed(rng) if rng.random() < SHARE else rng.choice(forms)
    question = form.format(p=share, n=whole)
    return WordTask(around(rng, question), "percentage", f"print(round({code}, 6))", str(round(value, 6)))


def around(rng: random.Random, text: str) -> str:
    """At times with random words around it, and dressed."""
    return dress(rng, among_words(rng, " ".join(text.split()), 0.4))


def mean(values: list[int]) -> str:
    """What a cell prints for the mean of `values`."""
    return str(round(statistics.fmean(values), 6))
