"""Lists of hits and the small pages behind them, one of which says what was asked."""

import random

from nano.yardstick.item import Draft
from nano.yardstick.words import NAMES, NOUNS, PLAIN, name
from ossia.types import JsonValue

_QUESTIONS = (
    "Find out the {noun} of {subject}",
    "I'm looking for the {noun} of {subject}",
    "Dig up {subject}'s {noun}",
    "According to the web, the {noun} of {subject}?",
    "Search for {subject} and report the {noun}",
    "Any source on the {noun} of {subject}?",
    "{subject}: {noun}? Cite it.",
)
_LINES = (
    "The {noun} of {subject} is {value}.",
    "Its {noun} has long been {value}.",
    "As to the {noun}, records say {value}.",
    "{value} is named as its {noun}.",
    "People give the {noun} as {value}.",
    "For {noun}, see {value}.",
)
_TITLES = ("{}", "{}", "{} (overview)", "About {}", "{} - facts", "Visit {}")
_SNIPPETS = ("", "", "All there is to know.", "Updated often.", "A short page with {} and more.")
_FILLERS = ("Last edited in spring.", "Pictures follow below.", "This page is a draft.", "Contributions are welcome.")
_DOMAINS = (".test", ".example", ".org", ".net")


def browse(rng: random.Random) -> Draft:
    """Three to ten hits; the page that counts has four to ten lines, in a quarter of the items a decoy too."""
    subjects = rng.sample(sorted({name(rng) for _ in range(40)}), rng.randint(3, 10))
    subject, noun = rng.choice(subjects), rng.choice(NOUNS)
    hits: list[JsonValue] = []
    pages: dict[str, JsonValue] = {}
    expected: dict[str, JsonValue] = {}
    for number, title in enumerate(subjects):
        url = f"https://{rng.choice(PLAIN)}{rng.choice(_DOMAINS)}/{number}"
        snippet = rng.choice(_SNIPPETS).format(rng.choice(NOUNS))
        hits.append({"title": rng.choice(_TITLES).format(title), "url": url, "snippet": snippet})
        wanted = noun if title == subject else None
        lines, value = _page(rng, title, wanted, decoy=rng.choice([s for s in subjects if s != title]))
        pages[url] = f"# {title}\n\n" + "\n\n".join(lines) + "\n"
        if title == subject:
            expected = {"url": url, "answer": value, "candidates": len(lines)}
    question = rng.choice(_QUESTIONS).format(noun=noun, subject=subject)
    return Draft(question, expected, {"hits": hits, "pages": pages})


def _page(rng: random.Random, subject: str, wanted: str | None, decoy: str) -> tuple[list[str], str]:
    nouns = rng.sample([noun for noun in NOUNS if noun != wanted], rng.randint(3, 7))
    lines = [_line(rng, noun, subject, _value(rng)) for noun in nouns]
    value = _value(rng)
    if wanted is None:
        return lines[: rng.randint(2, 4)], value
    if rng.random() < 0.25:
        lines[0] = f"The {wanted} of {decoy} is {_value(rng)}."
        lines.append(f"The {wanted} of {subject} is {value}.")
    else:
        lines.append(_line(rng, wanted, subject, value))
    if rng.random() < 0.5:
        lines.append(rng.choice(_FILLERS))
    rng.shuffle(lines)
    return lines, value


def _line(rng: random.Random, noun: str, subject: str, value: str) -> str:
    text = rng.choice(_LINES).format(noun=noun, subject=subject, value=value)
    return text[:1].upper() + text[1:]


def _value(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return str(rng.randint(2, 99_999))
    return " ".join(part.capitalize() for part in rng.sample(NAMES, rng.choice((1, 2))))
