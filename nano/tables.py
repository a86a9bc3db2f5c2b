"""Questions about a column of a CSV file in `/mnt/data`."""

import random

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
_ADJECTIVES = (
    ("mean", "average", "mean", "averaged"),
    ("maximum", "largest", "greatest", "highest", "biggest", "top", "peak", "max", "uppermost"),
    ("minimum", "smallest", "least", "lowest", "tiniest", "bottom", "min", "littlest"),
    ("total", "summed", "overall", "combined", "added", "whole"),
)
_NOUNS = (
    ("mean", "average", "arithmetic mean", "mean value"),
    ("maximum", "peak", "top value", "largest value", "greatest number", "upper end"),
    ("minimum", "bottom value", "smallest value", "least number", "lower end"),
    ("sum", "total", "grand total", "overall sum"),
)
_DOING = (
    ("average", "average out", "take the mean over", "work out the mean for"),
    ("take the largest", "pick the greatest", "get the highest", "take the top"),
    ("take the smallest", "pick the least", "get the lowest", "take the bottom"),
    ("sum", "sum up", "total", "add up", "add", "add together", "total up"),
)
_TAILS = (
    ("on average", "averaged", "in the mean"),
    ("at most", "at its highest", "at its peak", "at the top"),
    ("at least", "at its lowest", "at the bottom", "at the least"),
    ("in all", "all added", "summed up", "altogether", "taken together", "as a sum"),
)
"""Words for each of `_KINDS` but rows."""
_ROWS = ("rows", "lines", "records", "entries", "items", "samples", "cases", "points")
_HAVE = ("have", "contain", "count", "list", "keep", "show", "carry", "give", "come with", "run to", "bring")
_IN = (
    *("in", "in", "in", "of", "of", "from", "within", "for", "over", "across", "at", "on", "by", "out of", "in all of"),
    *(
        "that are in",
        "held in",
        "kept in",
        "stored in",
        "to be found in",
        "as in",
        "throughout",
        "written in",
        "based on",
    ),
)
_ASKING = (
    *("what is", "tell me", "give", "give me", "I need", "find", "show", "report", "compute", "which is", "get", "say"),
    *("please give", "could you get", "how much is", "how big is", "do you know", "calculate", "work out", "state", ""),
)
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
    asking, link = _asking(rng), _link(rng)
    what = f"the {rng.choice(_ADJECTIVES[kind])} {{c}}"
    if rng.random() < 0.35:
        what = f"the {rng.choice(_NOUNS[kind])} {rng.choice(('of', 'of', 'of', 'for', 'from', 'over'))} {{c}}"
    style = rng.random()
    if style < 0.35:
        return f"{asking} {what if rng.random() < 0.7 else what.removeprefix('the ')} {link} {{f}}"
    if style < 0.5:
        return f"{link} {{f}}{rng.choice(('', ',', ':'))} {asking} {what}"
    if style < 0.62:
        asking = asking if rng.random() < 0.4 else ""
        return f"{{f}}{rng.choice((':', ' -', ',', ';'))} {asking} {what}"
    if style < 0.72:
        return f"{rng.choice(_OPENING)} {{f}}{rng.choice((' and', ',', ', then', '.', ';'))} {asking} {what}"
    if style < 0.86:
        return f"{rng.choice(_DOING[kind])} {{c}} {link} {{f}}"
    return f"{{c}} {link} {{f}} {rng.choice(_TAILS[kind])}"


def _rows_form(rng: random.Random) -> str:
    """How many rows the file {f} has."""
    rows, link = rng.choice(_ROWS), _link(rng)
    style = rng.random()
    if style < 0.25:
        return f"how many {rows} does {{f}} {rng.choice(_HAVE) if rng.random() < 0.7 else plain_word(rng)}"
    if style < 0.45:
        return f"how many {rows} {rng.choice(('are', 'are there', 'stand', 'lie', 'exist', ''))} {link} {{f}}"
    if style < 0.65:
        return f"{_asking(rng)} the {rng.choice(('number', 'count', 'amount'))} of {rows} {link} {{f}}"
    if style < 0.8:
        return f"count {rng.choice(('the', 'all', 'every one of the', '', 'all the'))} {rows} {link} {{f}}"
    if style < 0.9:
        return f"{{f}}{rng.choice((':', ' -', ',', ';'))} {rng.choice(('how many', 'number of', 'count the'))} {rows}"
    return f"{link} {{f}}, how many {rows} {rng.choice(('are there', 'do we have', 'can you see', 'stand'))}"


def _asking(rng: random.Random) -> str:
    return rng.choice(_ASKING) if rng.random() < 0.75 else " ".join(plain_word(rng) for _ in range(rng.randint(1, 3)))


def _link(rng: random.Random) -> str:
    return rng.choice(_IN) if rng.random() < 0.8 else plain_word(rng)


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
