"""Questions about a column of a CSV file in `/mnt/data`."""

import random

from nano.quiz import around, mean
from nano.strings import WordTask
from nano.vocabulary import as_it_lies, plain_word, word

_FORMS = (
    (("the mean of {c} in {f}", "the average {c} of {f}", "mean {c}, {f}", "{f}: average of {c}"), "mean"),
    (("the maximum of {c} in {f}", "the largest {c} of {f}", "max {c}, {f}", "{f}: the greatest {c}"), "maximum"),
    (("the minimum of {c} in {f}", "the least {c} of {f}", "min {c}, {f}", "{f}: the smallest {c}"), "minimum"),
    (("the sum of {c} in {f}", "the total {c} of {f}", "sum {c}, {f}", "{f}: sum of {c}"), "sum"),
    (("the number of rows in {f}", "how many rows has {f}", "count the lines of {f}", "{f}: number of rows"), "rows"),
)


def table_task(rng: random.Random) -> WordTask:
    """A question whose file the row does not hold: the model sees its name only, as in a session.

    The cell strips the names, which it holds as they lie in the question.
    """
    file, column = f"{word(rng)}.csv", plain_word(rng)
    forms, kind = rng.choice(_FORMS)
    question = around(rng, rng.choice(forms).format(c=column, f=file))
    if file not in question:
        question = question[:1].lower() + question[1:]
    values = [rng.randint(1, 10 ** rng.randint(1, 4)) for _ in range(rng.randint(2, 30))]
    read = f'csv.DictReader(open("/mnt/data/" + "{as_it_lies(file, question)}".strip()))'
    if kind == "rows":
        return WordTask(question, "number of rows", f"import csv\nprint(len(list({read})))", str(len(values)))
    line = f'import csv\nv = [float(r["{as_it_lies(column, question)}".strip()]) for r in {read}]\n'
    code, result = {
        "mean": ("print(round(sum(v) / len(v), 6))", mean(values)),
        "maximum": ("print(max(v))", str(float(max(values)))),
        "minimum": ("print(min(v))", str(float(min(values)))),
        "sum": ("print(sum(v))", str(float(sum(values)))),
    }[kind]
    return WordTask(question, kind, line + code, result)
