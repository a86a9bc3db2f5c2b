"""Names that a model can call, for names that it can't: dots, slashes and spaces have no place in a recipient."""

import re
from collections.abc import Sequence

from ossia.errors import UserError

_CALLABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def is_callable_name(name: str) -> bool:
    """Whether a namespace or function may be called this: letters, digits, `_` and `-`, no digit first."""
    return _CALLABLE.fullmatch(name) is not None


def callable_names(names: Sequence[str]) -> dict[str, str]:
    """For each of `names` one that can be called, no two the same: `{"fs.read": "fs_read"}`.

    A name that can be called stays as it is; of others that would come out the same, the later ones get a number.
    Raises `UserError` where a name comes twice or is empty.
    """
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"Two functions are called {name!r}: give one of them another name.")
    taken = {name for name in names if is_callable_name(name)}
    found: dict[str, str] = {}
    for name in names:
        found[name] = name if is_callable_name(name) else _free(_cleaned(name), taken)
        taken.add(found[name])
    return found


def _cleaned(name: str) -> str:
    cleaned = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    if not cleaned:
        raise UserError("A function has an empty name: give it one.")
    return cleaned if is_callable_name(cleaned) else f"_{cleaned}"


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
