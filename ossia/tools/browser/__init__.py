"""The browser that gpt-oss was trained with."""

from ossia.tools.browser._session import OpenBrowser
from ossia.tools.browser.citations import Citation, CitationStream, CitedText, Unresolved, cite
from ossia.tools.browser.corpus import Corpus
from ossia.tools.browser.search import DuckDuckGo, Exa, Hit, SearchError, SearchProvider, SearXNG, You
from ossia.tools.browser.tool import Browser

__all__ = [
    "Browser",
    "Citation",
    "CitationStream",
    "CitedText",
    "Corpus",
    "DuckDuckGo",
    "Exa",
    "Hit",
    "OpenBrowser",
    "SearXNG",
    "SearchError",
    "SearchProvider",
    "Unresolved",
    "You",
    "cite",
]
