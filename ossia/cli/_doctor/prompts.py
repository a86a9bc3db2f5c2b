"""The prompts of the probes, as token ids."""

import random
import string
from collections.abc import Sequence

from ossia import harmony
from ossia.types import Effort, ToolNamespace

NOISE = 2.0
"""The highest temperature that vLLM takes. Behind a prompt of noise a model writes noise at it: ids that no tokenizer
would give, and hardly ever a stop id."""


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


def noise(count: int) -> list[int]:
    """`count` ids drawn from the vocabulary: a prompt that no cache has seen, and that means nothing."""
    return random.choices(range(1_000, harmony.FIRST_SPECIAL), k=count)


def split(text: str) -> list[int]:
    """The token ids of `text` letter by letter, as no tokenizer gives them."""
    return [token for letter in text for token in harmony.encoding().encode(letter)]
