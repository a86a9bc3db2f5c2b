"""Questions about a column of a CSV file in `/mnt/data`."""

import random

from nano.pieces import ADJECTIVES, DOING, NOUNS, TAILS, asking, link
from nano.quiz import around, mean
from nano.strings import WordTask
from nano.vocabulary import as_it_lies, encode, plain_word, term, word
from ossia.agent.session import with_files

_FORMS = (
    (
        *("the mean of {c} in {f}", "the average {c} of {f}", "mean {c}, {f}", "in {f} {c} is on average"),
        *("{c} averaged over {f}", "how much is {c} on average in {f}", "mean of all {c} in {f}"),
    ),
    (
        *("the maximum of {c} in {f}", "the largest {c} of {f}", "max {c}, {f}", "in {f} the greatest {c}"),
        *("{c} at its highest in {f}", "what is the top {c} in {f}", "the biggest {c} that {f} has"),
    ),
    (
        *("the minimum of {c} in {f}", "the least {c} of {f}", "min {c}, {f}", "in {f} the smallest {c}"),
        *("{c} at its lowest in {f}", "what is the lowest {c} in {f}", "the tiniest {c} that {f} has"),
    ),
    (
        *("the sum of {c} in {f}", "the total {c} of {f}", "sum {c}, {f}", "in {f} the sum of {c}"),
        *("{c} added up over {f}", "all {c} in {f} together", "what does {c} total in {f}"),
    ),
    (
        *("the number of rows in {f}", "how many rows has {f}", "count the lines of {f}", "of {f} the number of rows"),
        *("row count of {f}", "how long is {f} in rows", "how many records are in {f}", "count all rows of {f}"),
    ),
)
_KINDS = ("mean", "maximum", "minimum", "sum", "rows")
_ROWS = ("rows", "lines", "records", "entries", "items", "samples", "cases", "points")
_HAVE = ("have", "contain", "count", "list", "keep", "show", "carry", "give", "come with", "run to", "bring")
_OPENING = ("open", "read", "load", "take", "look at", "go through", "use", "check", "consider", "here is", "see")
_COLUMNS = (
    *("{}", "{}", "{}", "the column {}", "column {}", "the {} column", "the values of {}", "the field {}", "all {}"),
    *(
        "the {} values",
        "{} values",
        "every {}",
        "the {} figures",
        "the numbers in {}",
        "what stands under {}",
        "any {}",
    ),
    *("the {} entries", "the {} field", "the numbers under {}", "the {} numbers", "its {}", "the listed {}"),
)
_FILES = ("{}", "{}", "{}", "/mnt/data/{}", "/mnt/data/{}", "the file {}", "the table {}", "the file /mnt/data/{}")


def table_task(rng: random.Random) -> WordTask:
    """A question whose file the row does not hold: the model sees its name only, as in a session.

    The cell strips the names, which it holds as they lie in the question; a file may be given with its directory. Where
    the question comes with this one file, the cell takes the name from the line that says so.
    """
    kind = rng.choice(_KINDS)
    shown_file, file = _file(rng)
    column = term(rng).replace(" ", "_")
    question, path = _given_files(rng, _question(rng, _KINDS.index(kind), column, shown_file), file)
    values = [rng.randint(1, 10 ** rng.randint(1, 4)) for _ in range(rng.randint(2, 30))]
    read = f'csv.DictReader(Path("/mnt/data", "{path}".strip()).open())'
    head = "import csv\nfrom pathlib import Path\n"
    if kind == "rows":
        return WordTask(question, "number of rows", f"{head}print(len(list({read})))", str(len(values)))
    shown = column if column in question else column.capitalize()
    line = f'{head}v = [float(r["{as_it_lies(shown, question)}".strip()]) for r in {read}]\n'
    code, result = {
        "mean": ("print(round(sum(v) / len(v), 6))", mean(values)),
        "maximum": ("print(max(v))", str(float(max(values)))),
        "minimum": ("print(min(v))", str(float(min(values)))),
        "sum": ("print(sum(v))", str(float(sum(values)))),
    }[kind]
    return WordTask(question, kind, line + code, result)


def _question(rng: random.Random, kind: int, column: str, file: str) -> str:
    """In a listed form or one that is put together."""
    form = rng.choice(_FORMS[kind]) if rng.random() < 0.4 else _rows_form(rng) if kind == 4 else _form(rng, kind)
    shown = column if "on average" in form else rng.choice(_COLUMNS).format(column)
    text = " ".join(form.format(c=shown, f=file).split())
    if text.startswith(file):
        return text + rng.choice(("", "?", ".", ", please", " please"))  # with a capital it would be another file
    return around(rng, f"the {text}" if text.startswith(column) and len(encode(column)) > 1 else text)


def _form(rng: random.Random, kind: int) -> str:
    """What is done to the column {c} of the file {f}."""
    ask, where, wanted = asking(rng), link(rng), _KINDS[kind]
    what = f"the {rng.choice(ADJECTIVES[wanted])} {{c}}"
    if rng.random() < 0.35:
        what = f"the {rng.choice(NOUNS[wanted])} {rng.choice(('of', 'of', 'of', 'for', 'from', 'over'))} {{c}}"
    style = rng.random()
    if style < 0.35:
        return f"{ask} {what if rng.random() < 0.7 else what.removeprefix('the ')} {where} {{f}}"
    if style < 0.5:
        return f"{where} {{f}}{rng.choice(('', ',', ':'))} {ask} {what}"
    if style < 0.62:
        ask = ask if rng.random() < 0.4 else ""
        return f"{{f}}{rng.choice((':', ' -', ',', ';'))} {ask} {what}"
    if style < 0.72:
        return f"{rng.choice(_OPENING)} {{f}}{rng.choice((' and', ',', ', then', '.', ';'))} {ask} {what}"
    if style < 0.86:
        return f"{rng.choice(DOING[wanted])} {{c}} {where} {{f}}"
    return f"{{c}} {where} {{f}} {rng.choice(TAILS[wanted])}"


def _rows_form(rng: random.Random) -> str:
    """How many rows the file {f} has."""
    rows, where = rng.choice(_ROWS), link(rng)
    style = rng.random()
    if style < 0.25:
        return f"how many {rows} does {{f}} {rng.choice(_HAVE) if rng.random() < 0.7 else plain_word(rng)}"
    if style < 0.45:
        return f"how many {rows} {rng.choice(('are', 'are there', 'stand', 'lie', 'exist', ''))} {where} {{f}}"
    if style < 0.65:
        return f"{asking(rng)} the {rng.choice(('number', 'count', 'amount'))} of {rows} {where} {{f}}"
    if style < 0.8:
        return f"count {rng.choice(('the', 'all', 'every one of the', '', 'all the'))} {rows} {where} {{f}}"
    if style < 0.9:
        return f"{{f}}{rng.choice((':', ' -', ',', ';'))} {rng.choice(('how many', 'number of', 'count the'))} {rows}"
    return f"{where} {{f}}, how many {rows} {rng.choice(('are there', 'do we have', 'can you see', 'stand'))}"


def _file(rng: random.Random) -> tuple[str, str]:
    """(a file as a question names it, the part of that which opens it)."""
    stem = word(rng)
    if rng.random() < 0.4:
        stem += rng.choice("__-") + rng.choice((plain_word(rng), word(rng), str(rng.randint(1, 2030))))
    path = rng.choice(_FILES).format(f"{stem}.csv")
    return path, path.rsplit(" ", 1)[-1]


def _given_files(rng: random.Random, question: str, file: str) -> tuple[str, str]:
    """(the question as a session shows it that was given its file, at times others too or none; the file in a cell)."""
    style = rng.random()
    if style < 0.12:
        return question, as_it_lies(file, question)
    name = file.removeprefix("/mnt/data/")
    names = {name} if style < 0.9 else {name, *(f"{word(rng)}.csv" for _ in range(rng.randint(1, 2)))}
    return with_files(question, list(names)), f" /mnt/data/{name}" if len(names) == 1 else as_it_lies(file, question)
