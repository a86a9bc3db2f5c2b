"""Exceptions of the user's functions: a line for the model, a traceback for the journal."""

import traceback
from pathlib import Path
from types import TracebackType


def describe(error: BaseException) -> str:
    """The exception in one short line."""
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= 300 else text[:300] + "..."


def trace(error: BaseException) -> str:
    """The traceback from the user's function on, without the frames that called it."""
    found = error.__traceback__
    while found is not None and _is_ours(found):
        found = found.tb_next
    return "".join(traceback.format_exception(type(error), error, found))


def _is_ours(frame: TracebackType) -> bool:
    return Path(frame.tb_frame.f_code.co_filename).parent == Path(__file__).parent
