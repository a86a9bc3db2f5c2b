"""Fetching pages."""

from ossia.tools.browser.fetch.protocol import Document, FetchError

__all__ = ["Document", "FetchError"]
