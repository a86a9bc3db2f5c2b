"""The browser in one session: its cursors, and the three functions over them."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urldefrag

from ossia.tools.browser._arguments import Find, Open, Parsed, Search, UsageError, parse
from ossia.tools.browser._display import truncate, view_end
from ossia.tools.browser._find import find
from ossia.tools.browser._page import Cursors, Link, Page
from ossia.tools.browser._recall import is_display, shown_page
from ossia.tools.browser._results import results_page
from ossia.tools.browser._web import VIEW_SOURCE, Web, source_page
from ossia.tools.browser.citations import CitationStream, CitedText, Style, cite
from ossia.tools.browser.config import BrowserConfig
from ossia.tools.browser.fetch.protocol import FetchError
from ossia.tools.browser.search.errors import SearchError
from ossia.tools.protocol import ToolContext, ToolResult
from ossia.types import Scalar

_ABOVE = 4
"""Lines shown above a passage that a page is opened at, as in the reference."""


@dataclass(frozen=True)
class _View:
    """A page to show, and from where: a line, or None for its beginning or best passage."""

    page: Page
    loc: int
    num_lines: int = -1
    details: dict[str, Scalar] = field(default_factory=dict)


class OpenBrowser:
    """The browser of one session. `offline`: what it reaches without leaving this machine."""

    def __init__(self, config: BrowserConfig, context: ToolContext, web: Web, offline: Web) -> None:
        self._config = config
        self._context = context
        self._web = web
        self._offline = offline
        self._cursors = Cursors()
        self._opened: dict[str, Page] = {}

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        """Answer `browser.search`, `browser.open` or `browser.find`. A call that fails takes no cursor."""
        function = recipient.partition(".")[2]
        details: dict[str, Scalar] = {}
        try:
            parsed = parse(function, arguments, self._context.parse)
            if parsed.ignored:
                details["ignored"] = ", ".join(parsed.ignored)
            view = await self._answer(parsed)
            details |= view.details
            return self._show(view, details)
        except (UsageError, FetchError, SearchError) as error:
            return ToolResult(str(error), error=True, details=details)

    async def recall(self, recipient: str, arguments: str, text: str) -> None:
        """Bring the cursors to where a call of an earlier process, which was answered with `text`, had left them.

        Nothing is searched or fetched: pages come from the corpus or the recording. One that is in neither, or has
        changed, is kept as far as `text` shows it, without its links.
        """
        if not is_display(text):
            return  # an error takes no cursor
        online, self._web = self._web, self._offline
        count = self._cursors.next
        try:
            again = await self.call(recipient, arguments)
        finally:
            self._web = online
        if again.text != text:
            del self._cursors.pages[count:]
            self._cursors.pages.append(shown_page(text))

    @property
    def pages(self) -> tuple[Page, ...]:
        """The pages by cursor."""
        return tuple(self._cursors.pages)

    def cite(self, text: str, style: Style = "markdown") -> CitedText:
        """An answer with its citations resolved against the pages of this session."""
        return cite(text, self._cursors.pages, style)

    def cite_stream(self, style: Style = "markdown") -> CitationStream:
        """The same for an answer that comes in pieces."""
        return CitationStream(self._cursors.pages, style)

    async def _answer(self, parsed: Parsed) -> _View:
        match parsed.call:
            case Search():
                return await self._search(parsed.call)
            case Find():
                return self._find(parsed.call)
            case Open():
                return await self._open(parsed.call)

    async def _search(self, call: Search) -> _View:
        failed = f"Error during search for `{truncate(call.query)}`: "
        try:
            async with asyncio.timeout(self._config.timeout):
                name, hits = await self._web.search(call.query, call.topn, call.source)
        except SearchError as error:
            raise SearchError(failed + truncate(str(error)), error.failure) from error
        except TimeoutError as error:
            raise SearchError(f"{failed}no answer within {self._config.timeout:g} s", "timeout") from error
        return _View(results_page(call.query, hits), 0, details={"provider": name, "hits": len(hits)})

    def _find(self, call: Find) -> _View:
        return _View(find(call.pattern, self._cursors.at(call.cursor)), 0)

    async def _open(self, call: Open) -> _View:
        if isinstance(call.id, str):
            page, link = await self._address(call.id, call.cursor)
        elif call.id >= 0:
            page, link = await self._follow(self._cursors.at(call.cursor), call.id)
        else:
            page, link = self._cursors.at(call.cursor), None
        if call.view_source:
            page, link = self._source(page), None
        loc = call.loc if call.loc >= 0 else self._position(page, link)
        return _View(page, loc, call.num_lines)

    async def _address(self, text: str, cursor: int) -> tuple[Page, Link]:
        """A page by its address: always fetched anew."""
        wants_source = text.startswith(VIEW_SOURCE)
        base = self._cursors.at(cursor) if self._cursors.pages else None
        try:
            url = self._web.locate(text.removeprefix(VIEW_SOURCE), base)
        except FetchError as error:
            raise FetchError(f"Error fetching URL `{truncate(text)}`: {error}") from error
        page = await self._fetch(url)
        return (self._source(page) if wants_source else page), Link(url)

    async def _follow(self, page: Page, number: int) -> tuple[Page, Link]:
        """A page by a link: as it was when it was opened before, if it was."""
        if page.partial:
            where = f"`{page.url}`" if page.url else "what you searched for"
            raise UsageError(f"The links of this page are not known any more: open {where} again.")
        if number >= len(page.links):
            raise UsageError(f"Invalid link id `{number}`.")
        link = page.links[number]
        if page.kind == "find" and page.of is not None:
            return page.of, link
        known = self._opened.get(urldefrag(link.url).url)
        return known or await self._fetch(link.url), link

    async def _fetch(self, url: str) -> Page:
        bare = urldefrag(url).url
        try:
            async with asyncio.timeout(self._config.timeout):
                page = await self._web.page(bare)
        except FetchError as error:
            raise FetchError(f"Error fetching URL `{truncate(url)}`: {truncate(str(error))}") from error
        except TimeoutError as error:
            text = f"Error fetching URL `{truncate(url)}`: no answer within {self._config.timeout:g} s"
            raise FetchError(text) from error
        self._opened[bare] = self._opened[page.url] = page
        return page

    def _source(self, page: Page) -> Page:
        try:
            return source_page(page)
        except FetchError as error:
            raise FetchError(f"Error fetching URL `{truncate(VIEW_SOURCE + page.url)}`: {error}") from error

    def _position(self, page: Page, link: Link | None) -> int:
        """The line to open at: a little above the passage that the link is about, where the page exceeds one view."""
        if link is None:
            return 0
        if link.line is not None:
            return link.line
        offset = link.offset + page.start if link.offset is not None else page.anchors.get(urldefrag(link.url).fragment)
        if offset is None or view_end(page.lines, 0, self._config.view_tokens) == len(page.lines):
            return 0
        line = page.line_at(offset)
        return line - _ABOVE if line > _ABOVE else 0

    def _show(self, view: _View, details: dict[str, Scalar]) -> ToolResult:
        """The display, and a cursor for the page."""
        page, config = view.page, self._config
        cursor = self._cursors.next
        text, end = page.view(cursor, view.loc, view.num_lines, config.view_tokens, config.max_view_tokens)
        self._cursors.pages.append(page)
        shown: dict[str, Scalar] = {"cursor": cursor, "url": page.url, "title": page.title}
        lines: dict[str, Scalar] = {"first": view.loc, "last": end - 1, "lines": len(page.lines)}
        return ToolResult(text, details=details | shown | lines)
