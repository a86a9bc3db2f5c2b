"""What needs no tool: greetings, and what nano cannot do."""

import random

from nano.yardstick.item import Draft
from nano.yardstick.words import NAMES, NOUNS, PLAIN, THINGS

_GREETINGS = (
    *("Howdy", "Greetings", "Good afternoon", "Hiya", "Hi nano, nice to meet you", "Yo", "Evening!", "Welcome back"),
    *("Bonjour", "Hey you", "How are you today?", "What's up?", "Pleased to meet you", "Long time no see", "Cheers"),
    *("Thank you so much", "That was great, thanks", "Much appreciated", "Bye", "See you tomorrow", "Good night"),
)
_CANNOT = (
    "Compose a sonnet on the {noun} of {name}",
    "Who discovered {name}?",
    "Give me your opinion of {name}",
    "What should I cook with {plain} tonight?",
    "Draw a picture of a {thing}",
    "Describe the {noun} in {name}",
    "Recommend a {thing} near {name}",
    "Why do people love {name}?",
    "Is the {thing} of {name} worth a visit?",
    "Tell my sister about the {plain}",
    "Book me a {thing} in {name}",
    "Sing about {plain} and {noun}",
    "Remember that I own a {plain}",
    "Translate '{plain}' into Latin",
    "Which {thing} is the prettiest?",
    "What's the news from {name}?",
)


def neither(rng: random.Random) -> Draft:
    if rng.random() < 0.25:
        text = rng.choice(_GREETINGS)
        if rng.random() < 0.6:
            text += (
                rng.choice((", ", "! ", ". ")) + rng.choice(("I am ", "This is ", "")) + rng.choice(NAMES).capitalize()
            )
    else:
        text = rng.choice(_CANNOT).format(
            noun=rng.choice(NOUNS),
            name=rng.choice(NAMES).capitalize(),
            plain=rng.choice(PLAIN),
            thing=rng.choice(THINGS),
        )
    return Draft(text, {"calls": 0})
