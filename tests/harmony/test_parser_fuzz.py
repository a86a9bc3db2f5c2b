"""The parser never raises, never hangs, and accounts for every token, whatever it is given."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.harmony_fuzz import check, mutate, seeds
from ossia import harmony
from tests.harmony.tokens import RECIPIENTS, check_conserved, ids

specials = st.sampled_from(
    [harmony.START, harmony.END, harmony.MESSAGE, harmony.CHANNEL, harmony.CONSTRAIN, harmony.RETURN, harmony.CALL]
)
words = st.sampled_from(
    [
        "assistant",
        "analysis",
        "final",
        "commentary",
        " to=",
        "functions.f",
        "user",
        " code",
        "json",
        "\n",
        "assistantfinal",
    ]
)
pieces = st.one_of(
    specials.map(lambda i: [i]),
    words.map(lambda w: harmony.encoding().encode(w)),
    st.integers(-3, harmony.VOCABULARY + 3).map(lambda i: [i]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(pieces, max_size=30), st.booleans())
def test_any_tokens_are_accounted_for(parts: list[list[int]], plain_text: bool) -> None:
    tokens = [i for part in parts for i in part]
    completion = harmony.parse_completion(tokens, RECIPIENTS, plain_text=plain_text)
    check_conserved(completion)
    parser = harmony.CompletionParser(RECIPIENTS, plain_text=plain_text)
    for i in tokens:
        parser.feed([i])
    assert parser.finish() == completion


def test_mutated_completions_are_accounted_for() -> None:
    rng = random.Random(20)
    corpus = seeds()
    for _ in range(800):
        check(mutate(rng.choice(corpus), corpus, rng))


UNITS = [
    "<|channel|>",
    "<|start|>",
    "<|message|>",
    "<|end|>",
    " ",
    "to=",
    "assistant",
    "<|constrain|>",
    "assistantfinal",
]
BEGINNINGS = ["", "<|channel|>", "<|channel|>analysis<|message|>", "<|channel|>analysis<|message|>x<|end|>"]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_repetition_does_not_hang(beginning: str, unit: str) -> None:
    started = time.perf_counter()
    tokens = [*ids(beginning), *ids(unit) * 10_000, harmony.RETURN]
    check_conserved(harmony.parse_completion(tokens, RECIPIENTS))
    assert time.perf_counter() - started < 10
