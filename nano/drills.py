"""Batches of random tokens that drill one thing: to copy, to spell what is copied, to keep to one of what is alike."""

import random
from dataclasses import replace
from functools import lru_cache

import torch

from nano.batch import Batch, padded
from nano.declared import function
from nano.vocabulary import decode, encode, term, unspelled
from ossia.harmony import FIRST_SPECIAL

_SAME = (":", " string", ",\n", " =>", " any", "\n")
"""Tokens of a declaration behind its parameters, the same in all."""


def drill_batch(rng: random.Random) -> Batch:
    """A batch of one of the drills."""
    return rng.choices((copy_batch, spell_batch, fields_batch), (0.3, 0.4, 0.3))[0](rng)


def copy_batch(rng: random.Random) -> Batch:
    """Random tokens of which stretches are repeated: learn to copy before anything else.

    Eight of ten batches are records, which the same few tokens divide into a name and a value, half of them with names
    that are akin; half of the rest come from a small alphabet. One token is then not enough to find the place.
    """
    rows, length = rng.choice(((32, 96), (16, 192), (12, 256)))
    style = rng.random()
    if style < 0.8:
        return padded([], [_records(rng, length, akin=style < 0.4) for _ in range(rows)])
    ids = torch.randint(0, FIRST_SPECIAL, (rows, length))
    if style < 0.9:
        ids = torch.randint(0, FIRST_SPECIAL, (24,))[torch.randint(0, 24, (rows, length))]
    learned = torch.zeros(rows, length, dtype=torch.bool)
    for i in range(rows):
        at = length // 2
        while at < length - 4:
            size = min(rng.randint(5, 14), length - at)
            source = rng.randint(0, length // 2 - size)
            ids[i, at : at + size] = ids[i, source : source + size].clone()
            learned[i, at + 3 : at + size] = True
            at += size
    return Batch(torch.zeros(0, dtype=torch.long), ids, learned)


def _records(rng: random.Random, length: int, *, akin: bool) -> tuple[list[int], list[bool]]:
    """Records (name, divider, value, divider), then the same in another order: (ids, learned), `length` of each.

    Only values are learned: they take what stands before the divider to be told apart, and among the easy targets of
    whole records that was never learned. `akin`: names that begin and end with the same few tokens.
    """

    def some(low: int, high: int) -> list[int]:
        return [rng.randrange(FIRST_SPECIAL) for _ in range(rng.randint(low, high))]

    dividers = some(0 if akin else 2, 6), some(1, 4)
    parts = [some(3, 3) for _ in range(rng.randint(2, 5))]
    records: list[tuple[list[int], list[bool]]] = []
    while 2 * sum(len(ids) for ids, _ in records) < length:
        name, value = [rng.choice(part) for part in parts] if akin else some(1, 3), some(1, 3)
        if akin and any(record[: len(name)] == name for record, _ in records):
            name[rng.randrange(len(name))] = rng.randrange(FIRST_SPECIAL)
        before, after = [False] * (len(name) + len(dividers[0])), [False] * len(dividers[1])
        records.append((name + dividers[0] + value + dividers[1], before + [True] * len(value) + after))
    ids = [token for record, _ in records for token in record]
    learned = [False] * len(ids)
    while len(ids) < length:
        record, marks = rng.choice(records)
        ids, learned = ids + record, learned + marks
    return ids[:length], learned[:length]


def spell_batch(rng: random.Random) -> Batch:
    """Records of a name, a divider and a value, then the same in another order, each value after a quotation mark.

    The first token of a value has a space before it and is no token without it (` Birch`), so that it is to be spelled
    (`Bir`, `ch`). Only the values and what closes them are learned.
    """
    rows, length = rng.choice(((32, 96), (16, 192)))
    quote, closing = encode(' "')[0], encode(rng.choice(('"}', '",')))[0]
    return padded([], [_spelled_records(rng, length, quote, closing, few=rng.random() < 0.5) for _ in range(rows)])


def _spelled_records(
    rng: random.Random, length: int, quote: int, closing: int, *, few: bool
) -> tuple[list[int], list[bool]]:
    """(ids, learned) of records that take up to about half of `length`, and of their repetition.

    `few`: their values begin and end with the same few tokens, so that one alone does not tell them apart.
    """
    firsts = [rng.choice(_unspelled()) for _ in range(3)] if few else _unspelled()
    ends = [rng.choice(_letters()) for _ in range(4)] if few else _letters()
    after = [rng.randrange(FIRST_SPECIAL) for _ in range(rng.randint(1, 3))]
    divider = [rng.randrange(FIRST_SPECIAL) for _ in range(rng.randint(1, 3))]
    records, ids = [], list[int]()
    while len(ids) < length // 2 - 14:
        first, spelled = rng.choice(firsts)
        rest = [rng.choice(ends) for _ in range(rng.choice((0, 1, 1, 2)))]
        name = [rng.choice(_letters()) for _ in range(rng.randint(1, 2))]
        ids += [*name, *divider, first, *rest, *after]
        records.append(([*name, *divider, quote], [*spelled, *rest, closing]))
    learned = [False] * len(ids)
    rng.shuffle(records)
    for before, value in records:
        ids += before + value
        learned += [False] * len(before) + [True] * len(value)
    return ids, learned


def fields_batch(rng: random.Random) -> Batch:
    """Declarations of functions, then the same in another order: their parameters and where they end are learned.

    All functions of a row draw their parameters from the same few, so that what follows one is told by the function's
    name alone, which stands some tokens before.
    """
    return padded([], [_declarations(rng) for _ in range(12)])


def _declarations(rng: random.Random) -> tuple[list[int], list[bool]]:
    """(ids, learned) of two to six declarations, and of all of them as an analysis quotes them."""
    pool = [term(rng).replace(" ", "_") for _ in range(rng.randint(2, 4))]
    made = {}
    for _ in range(rng.randint(2, 6)):
        drawn = replace(function(rng, 1), parameters=tuple(rng.sample(pool, rng.randint(1, min(3, len(pool))))))
        made[drawn.name] = drawn
    functions = list(made.values())
    ids = [token for one in functions for token in encode(f"type {one.declaration};\n\n")]
    learned = [False] * len(ids)
    rng.shuffle(functions)
    for one in functions:
        head, _, body = f"The user calls {one.name}.\ntype {one.declaration}".partition("{\n")
        before, after = encode(head + "{\n"), encode(f"{body}\n")
        ids += before + after
        learned += [False] * len(before) + [decode([token]) not in _SAME for token in after]
    return ids, learned


@lru_cache(maxsize=1)
def _letters() -> tuple[int, ...]:
    """Tokens of letters alone."""
    return tuple(i for i in range(FIRST_SPECIAL) if (text := decode([i])).isascii() and text.isalpha())


@lru_cache(maxsize=1)
def _unspelled() -> tuple[tuple[int, list[int]], ...]:
    """Tokens of a space and letters that are no token without the space, each with the tokens that spell it then."""
    return tuple((token_id, encode(stem)) for stem, token_id in unspelled().items())
