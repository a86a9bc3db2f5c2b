"""What nano says without a tool: greetings, and that it cannot do a thing."""

import random

from nano.phrasings import dress
from nano.vocabulary import any_text, word

GREETING = "Hello! I am a tiny test model. Ask me to calculate something."
THANKS = "You are welcome!"
ABOUT = "I am a tiny test model with the architecture of gpt-oss. I can calculate with python."
CANNOT = "I am a tiny test model. I can only calculate with python."
NO_TOOL = "I have no python tool here, so I cannot calculate."
FAILED = "The calculation failed."

_GREETINGS = (
    "hello",
    "hi",
    "hey",
    "hi there",
    "hello there",
    "good morning",
    "good evening",
    "hey there",
    "hello nano",
)
_THANKS = ("thanks", "thank you", "thank you very much", "many thanks", "great, thanks", "thanks a lot")
_ABOUT = (
    "who are you",
    "what are you",
    "what can you do",
    "which model are you",
    "help",
    "what is nano",
    "are you gpt-oss",
)
_OTHER = (
    "who is {}",
    "who was {} {}",
    "who wrote {}",
    "what is {}",
    "what is a {}",
    "what does {} mean",
    "what is the capital of {}",
    "what is the {} of {}",
    "where is {}",
    "when did {} {} happen",
    "when was {} born",
    "why is the {} {}",
    "how do I {} a {}",
    "how does a {} work",
    "tell me about {}",
    "tell me a joke",
    "tell me a joke about {}",
    "write a poem about {}",
    "write a story about a {} and a {}",
    "write a {} in {}",
    "translate {} to French",
    "translate {} {} to {}",
    "explain {}",
    "explain {} to a child",
    "summarize {} {} {}",
    "what is the weather in {}",
    "find the {} in {}",
    "fix the {} in {}",
    "plot the {}",
    "read {}.csv and plot it",
    "open the file {}.txt",
    "search the web for {}",
    "list the {} in {}",
    "give me a list of {}",
    "is {} a {}",
    "do you like {}",
    "can you {} the {}",
    "please {} my {}",
    "I am {}",
    "{}",
    "{} {}",
    "{} {} {}",
    "{} {} {} {} {}",
    "the {} is {}",
    "what happened in {year}",
    "who won in {year}",
    "name {small} {}",
    "give me {small} ideas for {}",
)


def small_talk(rng: random.Random) -> tuple[str, str]:
    """(what a user says, what nano answers) where no calculation is asked for."""
    style = rng.random()
    if style < 0.15:
        return dress(rng, rng.choice(_GREETINGS)), GREETING
    if style < 0.22:
        return dress(rng, rng.choice(_THANKS)), THANKS
    if style < 0.32:
        return dress(rng, rng.choice(_ABOUT)), ABOUT
    if style < 0.45:
        return soup(rng), CANNOT
    return dress(rng, _fill(rng, rng.choice(_OTHER))), CANNOT


def soup(rng: random.Random) -> str:
    """Words, numbers and pieces of any script and any code, in no order: a text that asks for nothing."""
    joint = rng.choice((" ", " ", " ", "", "\n"))
    parts = []
    for _ in range(rng.choice((1, 2, 3, 5, 8, 12, 20))):
        style = rng.random()
        number = str(rng.randrange(10 ** rng.randint(1, 25)))
        parts.append(word(rng) if style < 0.45 else number if style < 0.6 else any_text(rng, rng.randint(1, 3)).strip())
    return joint.join(parts).strip() or "?"


def _fill(rng: random.Random, form: str) -> str:
    names = [word(rng).capitalize() if rng.random() < 0.3 else word(rng) for _ in range(form.count("{}"))]
    return form.format(*names, year=rng.randint(1500, 2030), small=rng.randint(2, 20))
