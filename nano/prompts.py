"""The prompts that training rows follow: what ossia renders before the first user message."""

import random

from nano.vocabulary import word
from ossia.harmony import PromptConfig, render_prompt
from ossia.tools import Python
from ossia.types import Effort

_INSTRUCTIONS = (
    "You are a helpful assistant.",
    "Be brief.",
    "Answer the user. Use the tools when they help.",
    "Use python for every calculation.",
    "You are a careful assistant. Always use a tool.",
    "Reply in one sentence.",
    "Answer with the number only.",
    "You are a calculator.",
    "Solve the task with python.",
    "Think step by step.",
)


def random_prompt(rng: random.Random, python: bool = True) -> list[int]:
    """A prompt as users set it: mostly the default, at times with a date, instructions or another effort."""
    effort: Effort = rng.choice(("medium", "medium", "medium", "low", "high"))
    date = None
    if rng.random() < 0.25:
        date = f"20{rng.randint(24, 29)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    instructions = None
    if rng.random() < 0.25:
        instructions = rng.choice(_INSTRUCTIONS)
        if rng.random() < 0.3:
            instructions += " " + " ".join(word(rng) for _ in range(rng.randint(1, 8))).capitalize() + "."
    tools = (Python().namespace,) if python else ()
    return render_prompt(PromptConfig(instructions=instructions, effort=effort, date=date, tools=tools))
