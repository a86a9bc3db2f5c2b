"""The `ossia` command: one short file a verb."""

from ossia.cli.main import main

__all__ = ["main"]
