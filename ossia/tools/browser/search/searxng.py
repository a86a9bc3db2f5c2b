"""SearXNG: a metasearch engine that one runs oneself."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ossia.errors import UserError
from ossia.tools.browser.fetch.protocol import Document
from ossia.tools.browser.search import _json
from ossia.tools.browser.search._client import ApiClient
from ossia.tools.browser.search.errors import SearchError
from ossia.tools.browser.search.protocol import Hit
from ossia.types import JsonValue


@dataclass(frozen=True, slots=True)
class SearXNG:
    """A SearXNG (or searx) server. Its settings must list `json` under `search.formats`."""

    url: str
    """Its address, such as `http://127.0.0.1:8888`."""
    language: str = "en"
    categories: str = "general"
    engines: str = ""
    """Engines to ask, separated by commas; empty: those of the categories."""

    @property
    def name(self) -> str:
        return "searxng"

    def check(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise UserError(f"{self.url!r} is no address of a SearXNG server: write it as http://host:port.")

    async def search(self, query: str, count: int, client: ApiClient) -> list[Hit]:
        """The first page of results."""
        params = {"q": query, "format": "json", "language": self.language, "categories": self.categories}
        if self.engines:
            params["engines"] = self.engines
        try:
            answer = await client.get(self.url.rstrip("/") + "/search", params)
        except SearchError as error:
            if error.failure == "blocked":
                text = f"{error}; do its settings list `json` under `search.formats`?"
                raise SearchError(text, "blocked") from error
            raise
        hits = [_hit(item) for item in _json.items(answer, "results") if _json.text(item, "url")]
        if not hits:
            _check_engines(answer)
        return hits[:count]

    async def fetch(self, url: str, client: ApiClient) -> Document | None:
        """None: it has no pages of its own."""
        del url, client
        return None


def _hit(item: Mapping[str, JsonValue]) -> Hit:
    title, content = _json.text(item, "title"), _json.text(item, "content")
    return Hit(_json.untagged(title), _json.text(item, "url"), _json.untagged(content))


def _check_engines(answer: JsonValue) -> None:
    """Nothing was found: because nothing is there, or because its engines did not answer?"""
    engines = answer.get("unresponsive_engines") if isinstance(answer, Mapping) else None
    if not isinstance(engines, list) or not engines:
        return
    named = [": ".join(map(str, engine)) if isinstance(engine, list) else str(engine) for engine in engines]
    text = ", ".join(named)
    limited = any(word in text.lower() for word in ("too many", "captcha", "access denied", "suspended"))
    raise SearchError(f"its engines do not answer ({text})", "rate_limited" if limited else "unavailable")
