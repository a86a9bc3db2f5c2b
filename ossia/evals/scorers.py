"""Exact-match scorers: small functions from what a run gave to whether it is right."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal

from ossia.types import JsonValue

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
_SIX = Decimal("0.000001")


def answers(final: str | None, expected: str) -> bool:
    """Whether an answer gives what is expected: its last number if that is one, else the very text as whole words."""
    if final is None:
        return False
    if not _NUMBER.fullmatch(expected):
        return re.search(rf"(?<!\w){re.escape(expected)}(?!\w)", final) is not None
    found = _NUMBER.findall(final)
    return bool(found) and same_number(found[-1], expected)


def same_number(given: str, expected: str) -> bool:
    """Whether two numerals are one number; a given one may have more digits after the point than six."""
    a, b = Decimal(given), Decimal(expected)
    if a == b:
        return True
    return abs(a) < 10**15 and a.quantize(_SIX) == b


def calls(recipient: str, arguments: str, name: str, expected: Mapping[str, JsonValue]) -> bool:
    """Whether a call is to the function `name` with exactly the expected arguments."""
    try:
        given = json.loads(arguments)
    except ValueError:
        return False
    return bool(recipient == f"functions.{name}" and given == dict(expected))
