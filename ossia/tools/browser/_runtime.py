"""What the sessions of one browser share."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ossia.tools.browser._web import Web
from ossia.tools.browser.chromium import ChromiumHost, Renderer
from ossia.tools.browser.config import BrowserConfig
from ossia.tools.browser.corpus import Corpus
from ossia.tools.browser.egress import Dialer, EgressProxy
from ossia.tools.browser.fetch.fetcher import SessionFetcher
from ossia.tools.browser.fetch.http import HttpFetcher
from ossia.tools.browser.fetch.protocol import Fetcher
from ossia.tools.browser.pages import Converter
from ossia.tools.browser.record import Recorded, RecordedFetcher, Store
from ossia.tools.browser.search import ApiClient, DuckDuckGo, SearchProvider
from ossia.tools.browser.search.guard import Guard

_FETCH_SHARE = 0.5
"""Part of a call's time that a page may take over HTTP: Chromium may have to open it after that."""
_SCRAPING_INTERVAL = 1.0
"""Seconds between two searches of an engine that offers no interface to programs."""


@dataclass(frozen=True)
class Runtime:
    """Connections, workers and indexes, open."""

    config: BrowserConfig
    providers: tuple[SearchProvider, ...]
    client: ApiClient
    converter: Converter
    proxy: str | None
    """URL of the egress proxy; None: nothing leaves this machine."""
    chromium: ChromiumHost | None
    store: Store | None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[tuple[Web, Web]]:
        """The reach of one session, and what of it needs no network."""
        async with AsyncExitStack() as stack:
            fetcher = await self._fetcher(stack)
            if self.store is not None and self.config.reaches_web:
                fetcher = RecordedFetcher(fetcher, self.store, self.config.recording)
            yield self._web(self.providers, fetcher), self._offline()

    def _web(self, providers: Sequence[SearchProvider], fetcher: Fetcher | None) -> Web:
        return Web(providers, self.client, self.converter, fetcher, self.config.policy)

    def _offline(self) -> Web:
        """The corpus and the recording."""
        corpora = [provider for provider in self.providers if isinstance(provider, Corpus)]
        if self.store is None:
            return self._web(corpora, None)
        others = [provider for provider in self.config.providers if not isinstance(provider, Corpus)]
        recorded = [Recorded(provider, self.store, "replay") for provider in others]
        return self._web([*corpora, *recorded], RecordedFetcher(None, self.store, "replay"))

    async def _fetcher(self, stack: AsyncExitStack) -> Fetcher | None:
        """What fetches for a session, closed with `stack`."""
        if self.proxy is None:
            return None
        size, timeout = self.config.max_bytes, self.config.timeout * _FETCH_SHARE
        http = await stack.enter_async_context(HttpFetcher(self.proxy, max_bytes=size, timeout=timeout))
        renderer = None
        if self.chromium is not None:
            renderer = await stack.enter_async_context(Renderer(self.chromium, max_bytes=size, timeout=timeout))
        return SessionFetcher(http, renderer, always=self.config.javascript == "always")


@asynccontextmanager
async def runtime(config: BrowserConfig) -> AsyncIterator[Runtime]:
    """Open what the sessions of `config` share, with its indexes brought up to date. Raises `UserError`."""
    store = None
    if config.record is not None:
        store = Store(Path(config.record), must_exist=config.recording == "replay")
    providers = tuple(_guarded(provider, store, config) for provider in config.providers)
    for provider in providers:
        provider.check()
    async with AsyncExitStack() as stack:
        converter = await stack.enter_async_context(Converter())
        client = ApiClient()
        stack.push_async_callback(client.aclose)
        for provider in providers:
            if isinstance(provider, Corpus):
                await provider.update(converter)
        proxy, chromium = None, None
        if config.reaches_web and not (store and config.recording == "replay"):
            egress = EgressProxy(Dialer(config.policy))
            proxy = await stack.enter_async_context(egress.listen())
            if config.javascript != "never":
                chromium = await stack.enter_async_context(ChromiumHost(egress, proxy, config.chromium))
        yield Runtime(config, providers, client, converter, proxy, chromium, store)


def _guarded(provider: SearchProvider, store: Store | None, config: BrowserConfig) -> SearchProvider:
    """A provider behind its guard and the recording; a corpus needs neither."""
    if isinstance(provider, Corpus):
        return provider
    guard = Guard(provider, interval=_SCRAPING_INTERVAL if isinstance(provider, DuckDuckGo) else 0.0)
    return Recorded(guard, store, config.recording) if store is not None else guard
