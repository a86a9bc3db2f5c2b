"""The evals by name."""

import difflib

from ossia.errors import UserError
from ossia.evals.nano import NanoBrowser, NanoFunctions, NanoPython
from ossia.evals.runner import Eval

EVALS: dict[str, Eval] = {made.name: made for made in (NanoPython(), NanoFunctions(), NanoBrowser())}


def find_eval(name: str) -> Eval:
    """The eval of that name. Raises `UserError` where there is none."""
    if name in EVALS:
        return EVALS[name]
    near = difflib.get_close_matches(name, EVALS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(EVALS)}."
    raise UserError(f"There is no eval {name!r}: {hint}")
