"""Questions about a list, a date, a unit, a percentage or a word, put together anew for each row."""

import random
from collections.abc import Callable, Sequence

from nano.pieces import ADJECTIVES, DOING, NOUNS, TAILS, asking, link

SHARE = 0.6
"""Of the questions of these kinds, those that are put together; the others are listed."""
_MARKS = (":", " -", ",", ";", "?", ".")
_NUMBERS = {
    **NOUNS,
    "mean": ("mean", "average", "mean value"),
    "median": ("median", "middle value", "middle number", "middle one", "median value"),
    "range": ("range", "spread", "span", "distance from the least to the greatest", "gap between the ends"),
}
_ONE = ("value", "number", "one", "figure", "entry", "item", "of all", "")
_ORDERING = ("sort", "order", "rank", "arrange", "line up", "put in order", "set in order")
_ORDERED = (*("sorted", "in order", "ordered", "ranked", "by size", "in rising order", "least first"),)
_SPANS = ("between {a} and {b}", "from {a} to {b}", "from {a} till {b}", "starting {a} and ending {b}")
_PASS = ("lie", "pass", "are", "are there", "go by", "elapse", "come", "fit", "")
_LATER = ("after", "past", "following", "later than", "beyond")
_BEFORE = ("before", "prior to", "ahead of", "earlier than", "back from")
_AHEAD = ("later", "on", "after that", "ahead", "from then")
_BACK = ("earlier", "before that", "back", "ago")
_STEP = ("go", "count", "move", "step", "jump", "walk")
_CONVERT = ("convert", "turn", "change", "translate", "bring", "recast", "put", "express", "give", "restate")
_INTO = ("in", "as", "into", "to", "given in", "measured in", "when put in")
_MAKE = ("are", "is", "make", "make up", "equal", "fit into", "correspond to", "come to", "are the same as")
_RAISE = ("increase", "grow", "lift", "mark up", "push up", "boost", "expand", "step up")
_LOWER = ("lower", "decrease", "reduce", "cut", "shrink", "mark down", "drop", "bring down", "trim")
_MORE = ("more", "extra", "added", "on top", "increase", "rise")
_LESS = ("less", "off", "removed", "deducted", "taken away", "decrease", "fall")
_RISE = ("a rise", "an increase", "a gain", "growth", "a surcharge", "a raise")
_FALL = ("a drop", "a cut", "a discount", "a reduction", "a fall", "a loss")
_PERCENT = ("%", "%", " %", " percent", " per cent")
_WORDS = ("{}", "{}", "{}", "the word {}", "the term {}", "the string {}", "the name {}", "the text {}", "this: {}")
_WRITE = ("spell", "write", "read", "say", "print", "type", "put", "show", "render", "give")
_REVERSED = (
    *("backwards", "in reverse", "from the end", "from back to front", "the other way round", "from right to left"),
    *("reversed", "in reverse order", "starting with its last letter", "mirrored", "inverted"),
)
_CAPITALS = (
    *("in capitals", "in capital letters", "in upper case", "as upper case", "in block letters", "in big letters"),
    *("with all letters large", "in uppercase", "all caps", "capitalised throughout"),
)
_LETTERS = ("letters", "letters", "characters", "signs", "glyphs", "symbols")
_LENGTH = ("length", "letter count", "number of letters", "number of characters", "size", "count of letters")
_HAS = ("are in {}", "does {} have", "make up {}", "has {}", "stand in {}", "does {} count", "does {} consist of")
_SHOWS = ("come up", "turn up", "show up", "occur", "stand", "appear", "sit", "lie", "repeat")
_FOUND = ("found", "seen", "used", "there", "written", "present", "contained")
_LETTER = ("{c}", "{c}", "the letter {c}", "letter {c}", "the character {c}", "the sign {c}")
_FIRST = ("first", "initial", "opening", "leading", "foremost")
_LAST = ("last", "final", "closing", "ending", "hindmost")
_ALPHABET = ("sorted", "in order", "from a to z", "by the alphabet")


def list_form(rng: random.Random, kind: str) -> str:
    """For the `kind` of the list {}."""
    if kind == "sorted list":
        order, ordered = rng.choice(_ORDERING), rng.choice(_ORDERED)
        return rng.choice((f"{order} {{}}", f"{order} {{}} {ordered}", f"{asking(rng)} {{}} {ordered}"))
    what = f"the {rng.choice(_NUMBERS[kind])}"
    if kind in ("maximum", "minimum") and rng.random() < 0.6:
        what = f"the {rng.choice(ADJECTIVES[kind])} {rng.choice(_ONE)}"
    style = rng.random()
    if kind in DOING and style < 0.15:
        of = rng.choice((" of", " from", " out of")) if kind in ("maximum", "minimum") else ""
        return f"{rng.choice(DOING[kind])}{of} {{}}"
    if kind in TAILS and style < 0.25:
        return f"{{}} {rng.choice(TAILS[kind])}"
    return _of(rng, what, "{}")


def days_form(rng: random.Random) -> str:
    """For the number of days between {a} and {b}."""
    span, days = rng.choice(_SPANS), rng.choice(("how many days", "the number of days", "the count of days", "days"))
    if rng.random() < 0.3:
        return f"{span}{rng.choice(_MARKS)} {days}"
    if rng.random() < 0.2:
        return f"how {rng.choice(('long is it', 'far is it', 'much time is it'))} {span} in days"
    return f"{asking(rng) if days.startswith('the') else ''} {days} {rng.choice(_PASS)} {span}"


def weekday_form(rng: random.Random) -> str:
    """For the weekday of {a}."""
    day, which = rng.choice(("weekday", "day of the week", "week day")), rng.choice(("which", "what"))
    style = rng.random()
    if style < 0.35:
        return f"{which} {day} {rng.choice(('was', 'is', 'had', 'fell on', 'belongs to', 'goes with', 'has'))} {{a}}"
    if style < 0.55:
        verb = rng.choice(("fall", "land", "lie", "come"))
        return f"on {which} {day} {rng.choice(('did', 'does', 'will'))} {{a}} {verb}"
    return _of(rng, f"the {day}", "{a}")


def later_form(rng: random.Random) -> str:
    """For the date {n} days after {a}."""
    return _moved(rng, "{a}", _LATER, ("forward from", "ahead from", "past"), _AHEAD)


def earlier_form(rng: random.Random) -> str:
    """For the date {n} days before {b}."""
    return _moved(rng, "{b}", _BEFORE, ("back from", "backwards from", "before"), _BACK)


def unit_form(rng: random.Random) -> str:
    """For {n} of the unit {s} in the unit {t}."""
    style = rng.random()
    if style < 0.3:
        return f"{asking(rng)} {{n}} {{s}} {rng.choice(_INTO)} {{t}}"
    if style < 0.55:
        return f"{rng.choice(_CONVERT)} {{n}} {{s}} {rng.choice(('to', 'into', 'in', 'as'))} {{t}}"
    if style < 0.85:
        return f"how {rng.choice(('many', 'many', 'much'))} {{t}} {rng.choice(_MAKE)} {{n}} {{s}}"
    return f"{{n}} {{s}}{rng.choice(_MARKS)} {rng.choice(('how many', 'in', 'what is that in', 'as'))} {{t}}"


def share_form(rng: random.Random) -> str:
    """For {p} percent of {n}."""
    part = f"{{p}}{rng.choice(_PERCENT)}"
    return _of(rng, part, "{n}", ("of", "of", "of", "from", "on"))


def raised_form(rng: random.Random) -> str:
    """For {n} and {p} percent more."""
    return _changed(rng, _RAISE, _MORE, _RISE, ("with", "plus", "and"))


def lowered_form(rng: random.Random) -> str:
    """For {n} and {p} percent less."""
    return _changed(rng, _LOWER, _LESS, _FALL, ("with", "minus", "at"))


def word_form(rng: random.Random, kind: str) -> str:
    """For the `kind` of the word {}; {c} is a letter."""
    return _WORD_FORMS[kind](rng, rng.choice(_WORDS))


def _reversed(rng: random.Random, text: str) -> str:
    return _written(rng, text, _REVERSED)


def _upper(rng: random.Random, text: str) -> str:
    return _written(rng, text, _CAPITALS)


def _written(rng: random.Random, text: str, ways: Sequence[str]) -> str:
    return f"{rng.choice(_WRITE) if rng.random() < 0.6 else asking(rng)} {text} {rng.choice(ways)}"


def _length(rng: random.Random, text: str) -> str:
    if rng.random() < 0.5:
        return f"how many {rng.choice(_LETTERS)} {rng.choice(_HAS).format(text)}"
    return _of(rng, f"the {rng.choice(_LENGTH)}", text)


def _vowels(rng: random.Random, text: str) -> str:
    if rng.random() < 0.5:
        return f"how many vowels {rng.choice(_HAS).format(text)}"
    return _of(rng, f"the {rng.choice(('number of vowels', 'vowel count', 'count of vowels'))}", text)


def _count(rng: random.Random, text: str) -> str:
    letter, often = rng.choice(_LETTER), rng.choice(("how often", "how many times"))
    where = f"{rng.choice(('in', 'in', 'inside', 'within'))} {text}"
    style = rng.random()
    if style < 0.35:
        return f"{often} does {letter} {rng.choice(_SHOWS)} {where}"
    if style < 0.6:
        return f"{often} is {letter} {rng.choice(_FOUND)} {where}"
    if style < 0.7:
        return f"{where}{rng.choice(_MARKS)} {often} {letter}"
    number = rng.choice(("the number of", "the count of", "how many", "the occurrences of", "count"))
    return f"{asking(rng) if number.startswith('the') else ''} {number} {letter} {where}"


def _first(rng: random.Random, text: str) -> str:
    return _end(rng, text, _FIRST, ("starts", "opens", "leads", "is at the start of", "comes first in"))


def _last(rng: random.Random, text: str) -> str:
    return _end(rng, text, _LAST, ("ends", "closes", "finishes", "is at the end of", "comes last in"))


def _end(rng: random.Random, text: str, adjectives: Sequence[str], verbs: Sequence[str]) -> str:
    letter = rng.choice(("letter", "character", "sign"))
    if rng.random() < 0.3:
        return f"{rng.choice(('which', 'what'))} {letter} {rng.choice(verbs)} {text}"
    return _of(rng, f"the {rng.choice(adjectives)} {letter}", text)


def _sorted(rng: random.Random, text: str) -> str:
    letters = f"the {rng.choice(('letters', 'characters'))} {rng.choice(('of', 'in', 'of'))} {text}"
    if rng.random() < 0.5:
        ordered = rng.choice(("", "", *_ALPHABET[2:]))
        return f"{rng.choice(_ORDERING)} {letters} {ordered}"
    return f"{asking(rng)} {letters} {rng.choice(_ALPHABET)}"


_WORD_FORMS: dict[str, Callable[[random.Random, str], str]] = {
    "reverse": _reversed,
    "length": _length,
    "upper case": _upper,
    "letter count": _count,
    "first letter": _first,
    "last letter": _last,
    "vowel count": _vowels,
    "sorted letters": _sorted,
}


def _of(rng: random.Random, what: str, thing: str, links: Sequence[str] = ()) -> str:
    """Ask for `what` of `thing`, either of which may come first."""
    where = rng.choice(links) if links else link(rng)
    style = rng.random()
    if style < 0.7:
        return f"{asking(rng)} {what} {where} {thing}"
    if style < 0.85:
        return f"{where} {thing}{rng.choice(('', *_MARKS))} {asking(rng)} {what}"
    return f"{thing}{rng.choice(_MARKS)} {asking(rng)} {what}"


def _moved(rng: random.Random, date: str, away: Sequence[str], steps: Sequence[str], then: Sequence[str]) -> str:
    style = rng.random()
    if style < 0.55:
        what = rng.choice(("", "", "the date", "the day", "which date is", "what date lies"))
        return f"{asking(rng) if not what.startswith('wh') else ''} {what} {{n}} days {rng.choice(away)} {date}"
    if style < 0.8:
        return f"{rng.choice(_STEP)} {{n}} days {rng.choice(steps)} {date}"
    return f"{date}{rng.choice(_MARKS)} {{n}} days {rng.choice(then)}"


def _changed(
    rng: random.Random, verbs: Sequence[str], more: Sequence[str], rise: Sequence[str], joins: Sequence[str]
) -> str:
    percent, style = f"{{p}}{rng.choice(_PERCENT)}", rng.random()
    if style < 0.4:
        return f"{rng.choice(verbs)} {{n}} by {percent}"
    if style < 0.7:
        return f"{asking(rng)} {{n}} {rng.choice(joins)} {percent} {rng.choice(more)}"
    return f"{asking(rng)} {{n}} after {rng.choice(rise)} of {percent}"
