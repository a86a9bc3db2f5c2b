"""Servers that take and give token ids over HTTP."""

from ossia.engine.http._engine import HttpEngine, open_http

__all__ = ["HttpEngine", "open_http"]
