"""Rows about declared functions: the right one named or found, its arguments copied, a missing one asked for."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from nano.asking import ask_about, ask_for, ask_to_call
from nano.phrasings import dress
from nano.prompts import Setting
from nano.rows import Row, final, thought, user
from nano.vocabulary import (
    SEAM,
    among_words,
    copied,
    decode,
    kin,
    name,
    plain_word,
    splits_alike,
    term,
    unspelled_word,
    word,
)
from ossia.types import FunctionSpec, JsonValue

_VERBS = (
    *("get", "find", "list", "make", "send", "open", "read", "load", "show", "check", "fetch", "set", "count"),
    *("lookup", "query", "search", "create", "update", "compute", "convert", "describe", "book", "resolve", "track"),
)
_DESCRIPTIONS = (
    "Gets the {noun} of the {thing}.",
    "Returns the {noun} for a {thing}.",
    "The {noun} of a {thing}.",
    "{Noun} of the {thing} that is given.",
    "Finds the current {noun} of any {thing}.",
    "Shows which {noun} the {thing} has.",
    "Tells the {noun}, by {thing}.",
    "Use this for the {noun} at a {thing}.",
    "Reads {noun} from the {filler} {thing}.",
    "{Filler} {filler} {noun} {filler} {thing}.",
    "Gives {filler} {noun} of one {thing}, {filler} {filler}.",
    "{Filler} the {noun} for the {thing} {filler}.",
    "The {noun} that a {thing} has, {filler} {filler} {filler}.",
    "{Filler} {noun} from {thing}.",
    "{Filler} {filler} {filler} {noun} by {thing} {filler}.",
    "Look {filler} the {noun} of {filler} {thing}.",
    "Give it a {thing} and it says the {noun}.",
)
_NAMED = (
    "call {f} with {v}",
    "use {f} for {v}",
    "run {f} on {v}",
    "please invoke {f} with {v}",
    "{f}: {v}",
    "I want {f} to be called with {v}",
    "try {f}, {v}",
    "give {v} to {f}",
    "execute {f} {v}",
    "{v}: call {f}",
    "{f} {v}",
    "{f}, {v}",
    "do {f} with {v}",
    "go and {f} {v}",
    "{filler} {f} {filler} {v}",
    "{filler} {filler} {f} {v}",
    "{filler} {f} {filler} {filler} {v}",
    "{filler} {v} {filler} {f}",
    "with {v} {filler} {f}",
    "{filler} {filler} {f} {filler} {v} {filler}",
    "the function {f}, {v}",
    "make {f} work on {v}",
)
_UNARGUED = ("call {f}", "use {f}", "run {f}", "please invoke {f}", "{f}", "I want {f} to be called", "execute {f}")
_DESCRIBED = (
    "what is the {noun} of {subject}",
    "tell me the {noun} of {subject}",
    "the {noun} for {subject}",
    "I need the {noun} of {subject}",
    "{noun} of {subject}",
    "which {noun} has {subject}",
    "find the {noun} of {subject}",
    "can you get the {noun} of {subject}",
    "show the {noun} for {subject}",
    "{subject}, {noun}",
    "for {subject}, which {noun}",
    "who knows the {noun} of {subject}",
)
_PAIRS = (
    *("{p} {v}", "the {p} {v}", "{p}={v}", "{p}: {v}", "{p} is {v}", "{p} {v}", "{p} = {v}", "{v} as {p}"),
    *("{v} for {p}", "{v} as the {p}", "{p} of {v}", "{v} ({p})", "{p} being {v}", "the {p} is {v}", "{p} set to {v}"),
    *("{p} -> {v}", "{p}, {v}", "{v} is the {p}", "a {p} of {v}", "{p} should be {v}", "my {p} {v}", "the {v} {p}"),
)
"""How a question gives an argument; the first five are the usual ones."""
Style = Literal["named", "described", "missing"]
_STYLES: tuple[Style, ...] = ("named",) * 11 + ("described",) * 6 + ("missing",) * 3


@dataclass(frozen=True, slots=True)
class Function:
    """A declared function about `noun`."""

    name: str
    noun: str
    description: str
    parameters: tuple[str, ...]

    @property
    def spec(self) -> FunctionSpec:
        properties: dict[str, JsonValue] = {parameter: {"type": "string"} for parameter in self.parameters}
        schema: dict[str, JsonValue] = {"type": "object", "properties": properties, "required": list(self.parameters)}
        return FunctionSpec(self.name, self.description, schema)

    @property
    def declaration(self) -> str:
        """From its name on, as it stands in the prompt."""
        return f"{self.name} = (_: {{\n{''.join(f'{name}: string,{chr(10)}' for name in self.parameters)}}}) => any"

    @property
    def quoted(self) -> str:
        """The declaration from the noun (in lower case) on, as it stands in the prompt."""
        end = self.description.lower().index(self.noun) + len(self.noun)
        return f"{self.noun}{self.description[end:]}\ntype {self.declaration}"


def function(rng: random.Random, parameters: int, like: str = "") -> Function:
    """A function whose name says something of its noun in half of all, and begins or ends as the name `like` does."""
    noun, thing = term(rng), term(rng)
    text = _filled(rng, rng.choice(_DESCRIPTIONS))
    text = text.replace("{noun}", noun).replace("{Noun}", noun.capitalize()).replace("{thing}", thing)
    names = [term(rng).replace(" ", "_") for _ in range(parameters)]
    if rng.random() < 0.7:
        names[0] = thing.replace(" ", "_")
    return Function(_label(rng, noun, like), noun, text, tuple(dict.fromkeys(names)))


def _label(rng: random.Random, noun: str, like: str = "") -> str:
    """A verb or a word and something, in snake case, at times in camel case; at times split alike without a space.

    It begins or ends as `like` does, or both, where that is given.
    """
    style = rng.random() if like else 1.0
    begins, ends = style < 0.75, style < 0.15 or 0.75 <= style < 1.0
    while True:
        parts = [like.split("_")[0] if begins else _first(rng)]
        parts.append(noun if rng.random() < 0.4 else rng.choice((plain_word, term))(rng))
        if ends:
            parts.append(like.split("_")[-1])
        elif rng.random() < 0.15:
            parts.append(plain_word(rng))
        words = " ".join(parts).split()
        label = words[0] + "".join(part.capitalize() for part in words[1:]) if rng.random() < 0.1 else "_".join(words)
        if rng.random() < 0.4 or splits_alike(label):
            return label


def _first(rng: random.Random) -> str:
    """What a name begins with: a verb or any word, which a call must spell at times."""
    style = rng.random()
    if style < 0.25:
        return rng.choice(_VERBS)
    return unspelled_word(rng, capital=False) if style < 0.6 else term(rng)


def _filled(rng: random.Random, text: str) -> str:
    """`text` with a random word in each hole that is left for one."""
    for hole in ("{filler}", "{Filler}"):
        while hole in text:
            filler = plain_word(rng)
            text = text.replace(hole, filler.capitalize() if hole == "{Filler}" else filler, 1)
    return text


def functions_row(rng: random.Random, setting: Setting, style: Style | None = None) -> Row:
    """A developer message with one to five functions, a question, and what is to be made of it."""
    kind: Style = rng.choice(_STYLES) if style is None else style
    chosen = function(rng, rng.choice((1, 1, 1, 1, 2) if kind == "described" else (1, 1, 2, 2, 2, 3)))
    row = Row(kind)
    offered = _offered(rng, chosen)
    row.given(_declarations(setting, offered))
    lacking = _lacking(rng, chosen) if kind == "missing" else ""
    given = [parameter for parameter in chosen.parameters if parameter != lacking]
    values = dict(zip(given, _values(rng, len(given)), strict=True))
    by_name = kind == "named" or (kind == "missing" and (bool(values) or rng.random() < 0.8))
    question = _question(rng, chosen, values, offered if by_name else ())
    row.given(user(question))
    said = {parameter: copied(value, question, " ") for parameter, value in values.items()}
    wanted = _thought(chosen, said, by_name=by_name)
    if lacking:
        asked = copied(lacking, "", " ")
        row.completion(f"{thought(wanted)}<|start|>assistant{final(f'Which{asked}?')}")
        return row
    preamble = f"<|channel|>commentary<|message|>I will call {chosen.name}.<|end|><|start|>assistant"
    call = _call(chosen, {parameter: copied(value, question) for parameter, value in values.items()})
    row.completion(f"{thought(wanted)}<|start|>assistant{preamble if setting.effort == 'high' else ''}{call}")
    failed = rng.random() < 0.08
    result = _failure(rng, chosen) if failed else _result(rng)
    row.given(f"<|start|>functions.{chosen.name} to=assistant<|channel|>commentary<|message|>{result}<|end|>")
    row.completion(final("The call failed." if failed else f"The result is:\n{result}"))
    return row


def _lacking(rng: random.Random, chosen: Function) -> str:
    """The parameter that a question says nothing of: mostly the last."""
    return rng.choice(chosen.parameters) if rng.random() < 0.3 else chosen.parameters[-1]


def beside_functions(rng: random.Random, setting: Setting, row: Row) -> Row:
    """`row`, about another tool or none, where functions are declared too."""
    row.begin(_declarations(setting, _offered(rng, function(rng, 1))))
    return row


def _offered(rng: random.Random, chosen: Function) -> tuple[Function, ...]:
    """`chosen` among up to four more, whose names and parameters are often alike."""
    alike, share = chosen.name if rng.random() < 0.5 else "", rng.choice((0.0, 0.5, 0.8))
    others = [function(rng, rng.choice((1, 1, 2)), alike) for _ in range(rng.randint(0, 4))]
    others = [_sharing(rng, other, chosen, share) for other in others]
    taken = {chosen.name, chosen.noun}
    offered = [chosen, *(other for other in others if not taken & {other.name, other.noun})]
    rng.shuffle(offered)
    return tuple({made.name: made for made in offered}.values())


def _sharing(rng: random.Random, made: Function, chosen: Function, share: float) -> Function:
    """`made` with this share of its parameters from `chosen`: what follows one is then told by the function alone."""
    names = [rng.choice(chosen.parameters) if rng.random() < share else own for own in made.parameters]
    return replace(made, parameters=tuple(dict.fromkeys(names)))


def _declarations(setting: Setting, offered: tuple[Function, ...]) -> str:
    """The developer message that declares what is `offered`."""
    return decode(setting.prompt(tuple(made.spec for made in offered))[1])


def _question(rng: random.Random, chosen: Function, values: Mapping[str, str], offered: tuple[Function, ...]) -> str:
    """By the name of `chosen` among what is `offered`; where nothing is, by what it is about. `values` by parameter.

    Begins with a small letter where that is one of a name's.
    """
    if not offered:
        return ask_about(rng, chosen.noun, _subject(rng, values), _DESCRIBED) if values else ask_for(rng, chosen.noun)
    plain = any(value.islower() for value in values.values())  # among random words nobody could tell such a value
    given, quote = _given(rng, chosen, values), rng.choice("`'\"") if rng.random() < 0.06 else ""
    if rng.random() < (0.7 if values else 0.9):
        decoys = [made.name.split("_")[0] for made in offered if "_" in made.name] or _VERBS
        text = ask_to_call(rng, f"{quote}{chosen.name}{quote}", given, decoys, plain=plain or not values)
    else:
        forms = [form for form in _NAMED if not plain or "{filler}" not in form] if values else _UNARGUED
        text = _filled(rng, rng.choice(forms)).format(f=chosen.name, v=given)
    if values and not plain:
        text = among_words(rng, text, 0.2)
    dressed = dress(rng, text)
    return text if dressed[:1] != text[:1] and text.startswith((chosen.name, *values, *values.values())) else dressed


def _thought(chosen: Function, values: Mapping[str, str], *, by_name: bool) -> str:
    """Quote the declaration, and say of each parameter what it was given; that of a single one is said before.

    The values have a space before them.
    """
    # What stands behind a value here says what stands behind it in the call: another argument, or the end.
    given = f"{SEAM}\n" + ",\n".join(f"{p} is{values.get(p, ' missing')}" for p in chosen.parameters)
    if by_name:
        return f"The user calls {chosen.name}.\ntype {chosen.declaration}{given}."
    wanted = f"{chosen.noun} of{next(iter(values.values()))}" if values else chosen.noun
    return f"The user wants the {wanted}. Find {chosen.quoted}{'' if len(values) == 1 else given}."


def _subject(rng: random.Random, values: Mapping[str, str]) -> str:
    """What a function is asked about, without its name: the first value, and the others with their parameters."""
    (_, first), *others = values.items()
    return first + "".join(f"{rng.choice((' with ', ' and ', ', ', ' for ', ' at '))}{p} {v}" for p, v in others)


def _given(rng: random.Random, chosen: Function, values: Mapping[str, str]) -> str:
    mark = rng.choice("'\"`") if rng.random() < 0.08 else ""
    if len(chosen.parameters) == 1 and (not values or rng.random() < 0.7):
        return "".join(f"{mark}{value}{mark}" for value in values.values())
    form = rng.choice(_PAIRS[:5] if rng.random() < 0.5 else _PAIRS)
    pairs = [form.format(p=p, v=f"{mark}{v}{mark}") for p, v in values.items()]
    if rng.random() < 0.25:
        rng.shuffle(pairs)
    return rng.choice((" and ", " and ", " and ", ", ", ", ", " with ", "; ", " ")).join(pairs)


def _call(chosen: Function, values: Mapping[str, str]) -> str:
    arguments = ", ".join(f'"{name}": "{value}"' for name, value in values.items())
    recipient = f"functions{SEAM}.{SEAM}{copied(chosen.name, f' {chosen.name}')}"
    return f"<|channel|>commentary to={recipient} <|constrain|>json<|message|>{{{arguments}}}<|call|>"


def _values(rng: random.Random, count: int) -> list[str]:
    """Values of `count` parameters, at times akin to the first."""
    values = [_value(rng) for _ in range(count)]
    for place in range(1, count):
        if values[0][0].isupper() and rng.random() < 0.25:
            values[place] = kin(rng, values[0])
    return values


def _value(rng: random.Random) -> str:
    style = rng.random()
    if style < 0.9:
        return name(rng) if style < 0.7 else word(rng) if style < 0.82 else str(rng.randint(1, 9999))
    number = rng.randint(0, 999)
    return rng.choice(
        (f"{name(rng)} {number}", f"{number}.{rng.randint(0, 99)}", f"20{number % 90 + 10}-{number % 12 + 1:02}-17")
    )


def _result(rng: random.Random) -> str:
    style = rng.random()
    if style < 0.4:
        return f"{rng.randint(1, 99_999)} {plain_word(rng)}"
    return str(rng.randint(1, 999_999)) if style < 0.6 else name(rng) if style < 0.8 else f"{word(rng)} and {word(rng)}"


def _failure(rng: random.Random, chosen: Function) -> str:
    """What a function shows that raised, or was given the wrong arguments."""
    if rng.random() < 0.5:
        lacking = f"- {chosen.parameters[0]}: Field required"
        return f"The arguments of functions.{chosen.name} are wrong:\n{lacking}\nGive a JSON object that matches this"
    error = rng.choice(("ValueError", "KeyError", "RuntimeError", "TimeoutError", "TypeError", "OSError", "Error"))
    return f"{error}: {' '.join(plain_word(rng) for _ in range(rng.randint(1, 8)))}"
