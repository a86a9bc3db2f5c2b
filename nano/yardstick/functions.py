"""Functions with names, descriptions and parameters that training never draws."""

import random
from dataclasses import dataclass

from nano.yardstick.item import Draft
from nano.yardstick.words import NAMES, NOUNS, PLAIN, THINGS, name
from ossia.types import JsonValue

_VERBS = ("query", "obtain", "retrieve", "inspect", "resolve", "pull", "poll", "derive", "ask", "compile")
_DESCRIPTIONS = (
    "Retrieves the {noun} recorded for a {thing}.",
    "Answers what {noun} a given {thing} has.",
    "{Noun} of one {thing}, as last measured.",
    "Consults the register for the {noun} of a {thing}.",
    "Look here for {noun} by {thing}.",
)
_NAMED = (
    "Have {f} handle {v}",
    "Let {f} work on {v}",
    "{f} with {v}, if you would",
    "Would you trigger {f} for {v}?",
    "Go through {f} to get me {v}",
    "I'd like {f} applied to {v}",
    "Start {f}; the input is {v}",
)
_DESCRIBED = (
    "I'd like to hear about the {noun} for {v}",
    "{v} - its {noun}?",
    "Does anyone know the {noun} at {v}?",
    "What {noun} does {v} have?",
    "Concerning {v}: report the {noun}",
    "Please look into the {noun} for {v}",
    "How about the {noun} regarding {v}?",
)
_RESULTS = ("{n} units", "{n} per week", "{a} and {b}", "about {n}", "{a}")


@dataclass(frozen=True, slots=True)
class Made:
    """A declared function, and what it is about."""

    declared: dict[str, JsonValue]
    noun: str
    parameters: list[str]


def make(rng: random.Random, noun: str, *, telling: bool, count: int = 1) -> Made:
    """A function about `noun`; its name tells so only if `telling`."""
    thing = rng.choice(THINGS)
    label = f"{rng.choice(_VERBS)}_{noun if telling else rng.choice(PLAIN)}"
    if rng.random() < 0.3:
        label += f"_{rng.choice(PLAIN)}"
    text = rng.choice(_DESCRIPTIONS).format(noun=noun, Noun=noun.capitalize(), thing=thing)
    names = [thing, *rng.sample([word for word in PLAIN if word != thing], count - 1)]
    parameters: list[JsonValue] = [{"name": word, "type": "string"} for word in names]
    return Made({"name": label, "description": text, "parameters": parameters, "returns": _result(rng)}, noun, names)


def _result(rng: random.Random) -> str:
    a, b = rng.sample(NAMES, 2)
    return rng.choice(_RESULTS).format(n=rng.randint(2, 9999), a=a.capitalize(), b=b.capitalize())


def _offer(rng: random.Random, chosen: Made, telling: bool) -> dict[str, JsonValue]:
    others = rng.sample([noun for noun in NOUNS if noun != chosen.noun], rng.randint(0, 4))
    offered = {str(chosen.declared["name"]): chosen.declared}
    for noun in others:
        other = make(rng, noun, telling=telling, count=rng.choice((1, 1, 2)))
        offered.setdefault(str(other.declared["name"]), other.declared)
    listed: list[JsonValue] = list(offered.values())
    rng.shuffle(listed)
    return {"functions": listed}


def named(rng: random.Random) -> Draft:
    """The question names the function."""
    chosen = make(rng, rng.choice(NOUNS), telling=rng.random() < 0.5, count=rng.choice((1, 1, 2)))
    values = [name(rng) for _ in chosen.parameters]
    given = (
        values[0]
        if len(values) == 1
        else " and ".join(f"{parameter} {value}" for parameter, value in zip(chosen.parameters, values, strict=True))
    )
    return _draft(rng, chosen, rng.choice(_NAMED).format(f=chosen.declared["name"], v=given), values, telling=True)


def described(rng: random.Random) -> Draft:
    """The question says what it wants; only a description tells which function that is."""
    chosen = make(rng, rng.choice(NOUNS), telling=False)
    value = name(rng)
    return _draft(rng, chosen, rng.choice(_DESCRIBED).format(noun=chosen.noun, v=value), [value], telling=False)


def missing(rng: random.Random) -> Draft:
    """A required argument is not in the question, so that it must be asked for."""
    chosen = make(rng, rng.choice(NOUNS), telling=True, count=rng.choice((1, 2)))
    names = chosen.parameters
    form = rng.choice(("Have {f} handle it", "{f}, if you would", "Would you trigger {f}?", "Start {f}"))
    question = form.format(f=chosen.declared["name"])
    if len(names) == 2:
        question = question.rstrip("?") + f" with {names[0]} {name(rng)}"
    return Draft(question, {"asks": names[-1]}, _offer(rng, chosen, telling=True))


def _draft(rng: random.Random, chosen: Made, question: str, values: list[str], *, telling: bool) -> Draft:
    arguments: dict[str, JsonValue] = dict(zip(chosen.parameters, values, strict=True))
    expected: dict[str, JsonValue] = {
        "call": chosen.declared["name"],
        "arguments": arguments,
        "answer": chosen.declared["returns"],
    }
    return Draft(question, expected, _offer(rng, chosen, telling))
