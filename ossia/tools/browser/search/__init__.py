"""Search providers."""

from ossia.tools.browser.search._client import ApiClient
from ossia.tools.browser.search.duckduckgo import DuckDuckGo
from ossia.tools.browser.search.errors import Failure, SearchError
from ossia.tools.browser.search.exa import Exa
from ossia.tools.browser.search.protocol import Hit, SearchProvider
from ossia.tools.browser.search.searxng import SearXNG
from ossia.tools.browser.search.spec import provider
from ossia.tools.browser.search.you import You

__all__ = [
    "ApiClient",
    "DuckDuckGo",
    "Exa",
    "Failure",
    "Hit",
    "SearXNG",
    "SearchError",
    "SearchProvider",
    "You",
    "provider",
]
