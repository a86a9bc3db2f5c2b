"""`ossia view`: the page of a recorded run."""

import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from ossia.agent import journal_path
from ossia.errors import InfrastructureError
from ossia.view import render_run


def view(
    run: Annotated[str, typer.Argument(help="A run's id, or the path of its journal.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The page; default: beside the journal.")] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open it in a browser.")] = False,
) -> None:
    """Write a run as one self-contained HTML page, and open it."""
    journal = journal_path(run)
    page = out or journal.with_suffix(".html")
    html = render_run(journal)
    try:
        page.write_text(html, encoding="utf-8")
    except OSError as error:
        raise InfrastructureError(f"{page} could not be written: {error.strerror or error}.") from error
    print(page)
    if not no_open and _has_browser():
        webbrowser.open(page.resolve().as_uri())


def _has_browser() -> bool:
    """Whether there is a browser with a window; one inside a terminal would take the terminal over."""
    if os.environ.get("BROWSER") or sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
