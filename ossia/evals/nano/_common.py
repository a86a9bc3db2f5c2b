"""What the three evals share."""

from functools import lru_cache
from pathlib import Path

from ossia.agent import Limits
from ossia.evals.dataset import Dataset, read_dataset
from ossia.types import JsonValue

LIMITS = Limits(steps=8, step_tokens=600)
"""Far more than any right answer takes, so that a run without an end is cut off in seconds."""


@lru_cache(maxsize=4)
def yardstick(name: str) -> Dataset:
    """The frozen items of `nano-python`, `nano-functions` or `nano-browser`."""
    return read_dataset(name, Path(__file__).with_name("data") / f"{name.removeprefix('nano-')}.jsonl")


def text(value: JsonValue) -> str:
    """A value of a sample that is a string."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no string")
    return value
