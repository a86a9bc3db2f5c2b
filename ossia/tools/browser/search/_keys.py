"""Keys of search services, from the environment."""

import os

from ossia.errors import UserError


def key(service: str, given: str | None, variable: str) -> str:
    """The key given, or that of the environment. Raises `UserError` where there is none."""
    found = given or os.environ.get(variable, "")
    if not found.strip():
        raise UserError(f"Searching with {service} needs a key: set {variable}.")
    return found.strip()
