"""Pages that show a run."""

from ossia.view.page import render_run

__all__ = ["render_run"]
