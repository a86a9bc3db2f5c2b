"""What a function returned, as the model sees it."""

from collections.abc import Callable, Iterator
from typing import cast

from pydantic_core import PydanticSerializationError, to_json

from ossia.tools.protocol import Image, ToolResult
from ossia.tools.python import shorten


class Unrenderable(TypeError):
    """A function returned what can't be shown to the model."""


def render(value: object, max_chars: int) -> ToolResult:
    """Text as it is; `None`, numbers, dataclasses, pydantic models and containers as JSON; an image as a line of text.

    A `ToolResult` is the function's own rendering. Raises `Unrenderable` for anything else.
    """
    if isinstance(value, ToolResult):
        return value
    parts = list(value) if isinstance(value, list | tuple) and any(isinstance(p, Image) for p in value) else [value]
    images = tuple(part for part in parts if isinstance(part, Image))
    numbers = iter(range(1, len(images) + 1))
    text = "\n".join(image_line(next(numbers), p) if isinstance(p, Image) else _text(p) for p in parts)
    return ToolResult(shorten(text, max_chars), images=images)


def image_line(number: int, image: Image) -> str:
    """The line of text that the model sees in an image's place."""
    return f"[image {number}: {image.mime}, {len(image.data):,} bytes]"


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Iterator):
        raise Unrenderable(f"{type(value).__name__} can be read once only and may never end, return a list")
    try:
        return to_json(value, fallback=_fallback).decode()
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise Unrenderable(f"{type(value).__name__} can't be written as JSON ({error})") from error


def _fallback(value: object) -> object:
    """NumPy scalars and arrays, pandas series and tensors know themselves as lists."""
    tolist = getattr(value, "tolist", None)
    if not callable(tolist):
        raise TypeError(f"{type(value).__name__} has no form in JSON")
    return cast(Callable[[], object], tolist)()
