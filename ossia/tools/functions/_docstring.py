"""What a docstring says: of the function, and of each parameter."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field

from docstring_parser import Docstring, ParseError, parse


@dataclass(frozen=True, slots=True)
class Documentation:
    """A docstring taken apart."""

    description: str = ""
    """All but the sections: summary, further text, and what is returned."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """By parameter's name."""


def read_docstring(text: str | None) -> Documentation:
    """Read a docstring in Google, NumPy, Sphinx or Epydoc style; one without sections is all description."""
    if not text or not text.strip():
        return Documentation()
    try:
        parsed = parse(text)
    except ParseError:
        return Documentation(inspect.cleandoc(text))
    if not parsed.meta:
        return Documentation(inspect.cleandoc(text))
    parameters = {
        name.strip().lstrip("*"): inspect.cleandoc(param.description)
        for param in parsed.params
        if param.description
        for name in param.arg_name.split(",")  # NumPy documents several at once: `x, y : float`
    }
    return Documentation(_description(parsed), parameters)


def _description(parsed: Docstring) -> str:
    parts = [parsed.short_description, parsed.long_description]
    if parsed.returns and parsed.returns.description:
        parts.append(f"Returns: {inspect.cleandoc(parsed.returns.description)}")
    return "\n\n".join(part.strip() for part in parts if part)
