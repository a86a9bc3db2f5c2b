"""Providers by the names that a task file gives them."""

from ossia.errors import UserError
from ossia.tools.browser.search.duckduckgo import DuckDuckGo
from ossia.tools.browser.search.exa import Exa
from ossia.tools.browser.search.protocol import SearchProvider
from ossia.tools.browser.search.searxng import SearXNG
from ossia.tools.browser.search.you import You

_SEARXNG = "searxng:"


def provider(spec: str) -> SearchProvider:
    """The provider that `spec` names: `duckduckgo`, `searxng:URL`, `exa` or `you`. Raises `UserError`."""
    if spec.startswith(_SEARXNG):
        return SearXNG(spec.removeprefix(_SEARXNG))
    match spec:
        case "duckduckgo" | "ddgs":
            return DuckDuckGo()
        case "exa":
            return Exa()
        case "you":
            return You()
        case "searxng":
            raise UserError("Where is the SearXNG server? Write search=searxng:http://host:port.")
        case _:
            raise UserError(f"There is no search provider {spec!r}: give duckduckgo, searxng:URL, exa or you.")
