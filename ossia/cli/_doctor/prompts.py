"""The prompts of the probes, as token ids."""

import random
import string
from collections.abc import Sequence

from ossia import harmony
from ossia.types import Effort, ToolNamespace

NOISE = 8.0
"""A temperature at which every model writes noise: ids that no tokenizer would give, and hardly ever a stop id."""


def encode(text: str) -> list[int]:
    return harmony.encoding().encode(text, special=True)


def question(
    text: str, *, effort: Effort = "medium", tools: Sequence[ToolNamespace] = (), forced: str = ""
) -> list[int]:
    """A whole prompt, shape [n]; `forced` is put into the model's mouth, control tokens spelled out."""
    config = harmony.PromptConfig(effort=effort, tools=tuple(tools))
    return [*harmony.render_prompt(config), *harmony.render_user(text), *encode(f"<|start|>assistant{forced}")]


def filler(count: int) -> str:
    """Text that no cache has seen, of about `count` token ids."""
    return " ".join("".join(random.choices(string.ascii_lowercase, k=3)) for _ in range(count))


def exactly(count: int) -> list[int]:
    """A prompt that no cache has seen, of `count` token ids; at least 200."""
    rest = count - len(question(""))
    words = encode(" " + filler(rest))[:rest]
    prompt = question("")
    at = len(prompt) - len(encode("<|end|><|start|>assistant"))
    return [*prompt[:at], *words, *prompt[at:]]


def split(text: str) -> list[int]:
    """The token ids of `text` letter by letter, as no tokenizer gives them."""
    return [token for letter in text for token in harmony.encoding().encode(letter)]
