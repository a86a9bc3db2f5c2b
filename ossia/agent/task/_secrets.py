"""Secrets in a task file: read from the environment, and kept out of journals."""

import dataclasses
import os
import re
from collections.abc import Mapping

from pydantic import JsonValue

from ossia.errors import UserError

HIDDEN = "[not recorded]"
"""Stands in a journal's task where the file had a secret in clear."""

_REFERENCE = re.compile(r"\$\{(\w+)\}")


def is_secret(kind: type, option: str) -> bool:
    """Whether an option of a tool holds secrets: those that its class keeps out of its `repr`."""
    return any(field.name == option and not field.repr for field in dataclasses.fields(kind))


def filled_in(value: JsonValue, where: str) -> JsonValue:
    """A secret option with `${NAME}` replaced by that variable of the environment.

    Raises `UserError` where there is no such variable, and where a journal left the value out.
    """
    if isinstance(value, Mapping):
        return {name: filled_in(item, f"{where}.{name}") for name, item in value.items()}
    if value == HIDDEN:
        raise UserError(
            f"{where} was given in clear, and journals do not record it: this run can't be made again from its "
            "journal. Write it as ${NAME} in the task file, and set that variable; then the next one can."
        )
    return _REFERENCE.sub(lambda found: _variable(found[1], where), value) if isinstance(value, str) else value


def hidden(value: JsonValue) -> JsonValue:
    """A secret option as a journal may hold it: what refers to the environment as it stands, all else left out."""
    if isinstance(value, Mapping):
        return {name: hidden(item) for name, item in value.items()}
    refers = isinstance(value, str) and _REFERENCE.search(value)
    return value if value is None or refers else HIDDEN


def _variable(name: str, where: str) -> str:
    if (value := os.environ.get(name)) is None:
        raise UserError(f"{where} wants the environment variable {name}, which is not set.")
    return value
