"""You.com. Written to its documented interface, and not yet run against the service."""

from dataclasses import dataclass, field

from ossia.tools.browser.fetch.protocol import Document, FetchError
from ossia.tools.browser.search import _json
from ossia.tools.browser.search._client import ApiClient
from ossia.tools.browser.search._keys import key
from ossia.tools.browser.search.errors import SearchError
from ossia.tools.browser.search.protocol import Hit
from ossia.types import JsonValue


@dataclass(frozen=True, slots=True)
class You:
    """ydc-index.io, with the key of `$YDC_API_KEY`.

    Written to the shapes of You.com's own SDK 3.6.0 (POST /v1/search and /v1/contents); no one has run it against the
    service yet.
    """

    api_key: str | None = field(default=None, repr=False)
    """None: `$YDC_API_KEY`."""
    pages: bool = False
    """Take pages from You.com too, as the reference tool does, instead of fetching them."""
    endpoint: str = "https://ydc-index.io"

    @property
    def name(self) -> str:
        return "you"

    def check(self) -> None:
        self._headers()

    async def search(self, query: str, count: int, client: ApiClient) -> list[Hit]:
        """Pages, and news after them."""
        body: dict[str, JsonValue] = {"query": query, "count": count}
        answer = await client.post(f"{self.endpoint}/v1/search", body, self._headers())
        found = [*_json.items(answer, "results", "web"), *_json.items(answer, "results", "news")]
        return [
            Hit(
                _json.untagged(_json.text(item, "title")),
                _json.text(item, "url"),
                _json.untagged(_json.text(item, "snippets", "description")),
            )
            for item in found
            if _json.text(item, "url")
        ][:count]

    async def fetch(self, url: str, client: ApiClient) -> Document | None:
        """The page from You.com, where `pages` says so. Raises `FetchError`."""
        if not self.pages:
            return None
        body: dict[str, JsonValue] = {"urls": [url], "formats": ["html"]}
        try:
            answer = await client.post(f"{self.endpoint}/v1/contents", body, self._headers())
        except SearchError as error:
            raise FetchError(f"you: {error}") from error
        found = answer if isinstance(answer, list) else []
        page = found[0] if found and isinstance(found[0], dict) else {}
        html = _json.text(page, "html")
        if not html:
            raise FetchError("you: no contents for this address")
        return Document(
            url, html.encode(), "text/html", "utf-8", via=self.name, title=_json.text(page, "title") or None
        )

    def _headers(self) -> dict[str, str]:
        return {"X-API-Key": key("You.com", self.api_key, "YDC_API_KEY")}
