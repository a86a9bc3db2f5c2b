"""Reading the answers of search servers, which may hold anything."""

import re
from collections.abc import Mapping
from html import unescape

from ossia.types import JsonValue

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


def items(value: JsonValue, *path: str) -> list[Mapping[str, JsonValue]]:
    """The objects of the list at `path`; what is none is left out."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def text(item: Mapping[str, JsonValue], *names: str) -> str:
    """The first of the fields that holds text: a string, or a list of strings joined; `""` where none does."""
    for name in names:
        value = item.get(name)
        if isinstance(value, list):
            value = " ".join(part for part in value if isinstance(part, str))
        if isinstance(value, str) and value.strip():
            return value
    return ""


def untagged(html: str) -> str:
    """Text of a snippet in which words are marked with tags."""
    return unescape(_TAG.sub("", html)) if "<" in html or "&" in html else html
