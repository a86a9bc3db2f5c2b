"""Pieces that questions about numbers are put together of."""

import random

from nano.vocabulary import plain_word

ADJECTIVES = {
    "mean": ("mean", "average", "mean", "averaged"),
    "maximum": ("maximum", "largest", "greatest", "highest", "biggest", "top", "peak", "max", "uppermost"),
    "minimum": ("minimum", "smallest", "least", "lowest", "tiniest", "bottom", "min", "littlest"),
    "sum": ("total", "summed", "overall", "combined", "added", "whole"),
}
NOUNS = {
    "mean": ("mean", "average", "arithmetic mean", "mean value"),
    "maximum": ("maximum", "peak", "top value", "largest value", "greatest number", "upper end"),
    "minimum": ("minimum", "bottom value", "smallest value", "least number", "lower end"),
    "sum": ("sum", "total", "grand total", "overall sum"),
}
DOING = {
    "mean": ("average", "average out", "take the mean over", "work out the mean for"),
    "maximum": ("take the largest", "pick the greatest", "get the highest", "take the top"),
    "minimum": ("take the smallest", "pick the least", "get the lowest", "take the bottom"),
    "sum": ("sum", "sum up", "total", "add up", "add", "add together"),
}
TAILS = {
    "mean": ("on average", "averaged", "in the mean"),
    "maximum": ("at most", "at its highest", "at its peak", "at the top"),
    "minimum": ("at least", "at its lowest", "at the bottom", "at the least"),
    "sum": ("in all", "all added", "summed up", "altogether", "taken together", "as a sum"),
}
"""What is done to numbers, what comes of it, and words for that behind them."""
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


def asking(rng: random.Random) -> str:
    """What a question begins with, known or random words; at times nothing."""
    return rng.choice(_ASKING) if rng.random() < 0.75 else " ".join(plain_word(rng) for _ in range(rng.randint(1, 3)))


def link(rng: random.Random) -> str:
    """What stands before the thing that is asked about: a preposition or a random word."""
    return rng.choice(_IN) if rng.random() < 0.8 else plain_word(rng)
