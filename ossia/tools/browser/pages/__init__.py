"""Documents to the text that the model sees."""

from ossia.tools.browser.pages.converter import ConversionError, Converter
from ossia.tools.browser.pages.protocol import Converted

__all__ = ["ConversionError", "Converted", "Converter"]
