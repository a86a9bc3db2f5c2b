"""The prompts that training rows follow: what ossia renders before the first user message."""

import random
from dataclasses import dataclass

from nano.vocabulary import plain_word, word
from ossia.harmony import PromptConfig, render_prompt
from ossia.tools import Browser, Python
from ossia.types import Effort, FunctionSpec, ToolNamespace

START = 200006
"""`<|start|>`."""

LONGEST = 3_600
"""Tokens of the longest instructions: with tools and a question that is a context of about 4,000."""

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


@dataclass(frozen=True, slots=True)
class Setting:
    """What rows about declared functions have in common: all of their system message, and the instructions."""

    effort: Effort = "medium"
    date: str | None = None
    instructions: str | None = None
    tools: tuple[ToolNamespace, ...] = ()
    """Those that stand beside the functions."""

    def prompt(self, functions: tuple[FunctionSpec, ...]) -> tuple[list[int], list[int]]:
        """(system message, developer message that declares `functions`)."""
        tools = (*self.tools, ToolNamespace("functions", functions=functions, placement="developer"))
        config = PromptConfig(instructions=self.instructions, effort=self.effort, date=self.date, tools=tools)
        ids = list(render_prompt(config))
        cut = ids.index(START, 1)
        return ids[:cut], ids[cut:]

    @property
    def system(self) -> list[int]:
        """The system message, which does not depend on the functions."""
        return self.prompt((FunctionSpec("f"),))[0]


def random_setting(rng: random.Random, effort: Effort, tools: tuple[ToolNamespace, ...] = ()) -> Setting:
    """A setting as users make it: mostly without a date and instructions."""
    return Setting(effort, random_date(rng), random_instructions(rng), tools)


def random_effort(rng: random.Random) -> Effort:
    """Mostly medium, the default."""
    return rng.choice(("medium", "medium", "medium", "low", "high"))


def random_prompt(rng: random.Random, python: bool = True, effort: Effort | None = None) -> list[int]:
    """A prompt as users set it: mostly the default, at times with a date, instructions or another effort."""
    effort = effort or random_effort(rng)
    date = random_date(rng)
    instructions = _instructions(rng)
    tools = (python_tool(),) if python else ()
    return render_prompt(PromptConfig(instructions=instructions, effort=effort, date=date, tools=tools))


def browser_prompt(rng: random.Random, effort: Effort) -> list[int]:
    """A prompt with the browser."""
    return render_prompt(
        PromptConfig(instructions=_instructions(rng), effort=effort, date=random_date(rng), tools=(browser_tool(),))
    )


def python_tool() -> ToolNamespace:
    return Python().namespace


def browser_tool() -> ToolNamespace:
    return Browser(search="duckduckgo").namespace


def random_date(rng: random.Random) -> str | None:
    if rng.random() < 0.75:
        return None
    return f"20{rng.randint(24, 29)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"


def _instructions(rng: random.Random) -> str | None:
    """Those of `random_instructions`; one in twenty is long, so that the question stands up to 4,000 tokens on."""
    if rng.random() < 0.95:
        return random_instructions(rng)
    return long_instructions(rng, rng.randint(100, LONGEST))


def long_instructions(rng: random.Random, tokens: int) -> str:
    """Random words, about `tokens` tokens of them."""
    return " ".join(plain_word(rng) for _ in range(tokens)).capitalize() + "."


def random_instructions(rng: random.Random) -> str | None:
    if rng.random() < 0.75:
        return None
    instructions = rng.choice(_INSTRUCTIONS)
    if rng.random() < 0.3:
        instructions += " " + " ".join(word(rng) for _ in range(rng.randint(1, 8))).capitalize() + "."
    return instructions
