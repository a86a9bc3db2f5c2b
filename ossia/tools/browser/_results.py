"""Search results as a page, in the words of the reference tool."""

from collections.abc import Sequence

from ossia.tools.browser._page import Link, Page
from ossia.tools.browser.pages._links import domain
from ossia.tools.browser.pages._writer import clean, drop_controls
from ossia.tools.browser.search.protocol import Hit


def results_page(query: str, hits: Sequence[Hit]) -> Page:
    """The page that `browser.search` shows. The same address keeps its link id."""
    ids: dict[str, int] = {}
    links: list[Link] = []
    lines: list[str] = []
    for hit in hits:
        if hit.url not in ids:
            ids[hit.url] = len(ids)
            links.append(Link(hit.url, hit.offset))
        title = (_plain(hit.title) or hit.url).replace("†", "‡")
        lines.append(f"  * 【{ids[hit.url]}†{title}†{domain(hit.url)}】 {_plain(hit.snippet)}".rstrip())
    body = "\n".join(lines) or "No results."
    title = _plain(query)
    return Page(url="", title=title, text=f"\nURL: \n# Search Results\n\n{body}", links=tuple(links), kind="search")


def _plain(text: str) -> str:
    return drop_controls(" ".join(clean(text).split()))
