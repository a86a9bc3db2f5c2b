"""The `browser` tool: search, open and find, as gpt-oss was trained to see them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ossia.errors import UserError
from ossia.sandbox.protocol import SandboxNeeds
from ossia.tools.browser._declaration import declaration
from ossia.tools.browser._session import OpenBrowser
from ossia.tools.browser._shared import Shared
from ossia.tools.browser.config import BrowserConfig
from ossia.tools.protocol import ToolContext
from ossia.types import ToolNamespace

if TYPE_CHECKING:
    from ossia.tools.browser._runtime import Runtime


@dataclass(frozen=True)
class Browser(BrowserConfig):
    """The browser that gpt-oss was trained with, over the web or a folder.

    `Browser(corpus="docs/")` searches the documents of a folder, without network. `Browser()` searches DuckDuckGo and
    opens the pages of the public web; private addresses are refused. What an agent's sessions share (the index, the
    connections, Chromium) is opened with the first of them and closed after the last.
    """

    @property
    def namespace(self) -> ToolNamespace:
        return declaration(self.sources)

    @property
    def needs(self) -> SandboxNeeds | None:
        """None: pages are converted, and Chromium runs, in containment of the browser's own."""
        return None

    @cached_property
    def _shared(self) -> "Shared[Runtime]":
        return Shared(lambda: _runtime(self))

    @asynccontextmanager
    async def open(self, context: ToolContext) -> AsyncIterator[OpenBrowser]:
        """One session's cursors. Raises `UserError` where a key, a folder or a library is missing."""
        async with self._shared.lease() as shared, shared.session() as (web, offline):
            yield OpenBrowser(self, context, web, offline)


def _runtime(config: BrowserConfig) -> "AbstractAsyncContextManager[Runtime]":
    """What sessions share. Raises `UserError` where a library of the extra `browser` is not installed."""
    try:
        from ossia.tools.browser._runtime import runtime
    except ImportError as error:
        raise UserError(f"The browser needs {error.name}: pip install 'ossia[browser]'.") from error
    return runtime(config)
