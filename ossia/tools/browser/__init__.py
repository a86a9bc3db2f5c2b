"""The browser that gpt-oss was trained with."""

from ossia.tools.browser.corpus import Corpus
from ossia.tools.browser.tool import Browser

__all__ = ["Browser", "Corpus"]
