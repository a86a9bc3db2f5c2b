"""The options of the browser."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict

from ossia.errors import UserError
from ossia.tools.browser.corpus import Corpus
from ossia.tools.browser.egress import EgressPolicy
from ossia.tools.browser.search import SearchProvider, provider


@dataclass(frozen=True)
class BrowserConfig:
    """The options of `Browser`: the same in Python and in a task file."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    corpus: str | Path | Corpus | None = None
    """A folder of documents to search and open."""
    search: str | SearchProvider | tuple[str | SearchProvider, ...] | None = None
    """What to search, in this order where one fails: `duckduckgo`, `searxng:URL`, `exa`, `you`, or a provider of your
    own. None: DuckDuckGo where there is no corpus."""
    web: bool | None = None
    """Whether pages of the web may be opened. None: yes, unless there is only a corpus."""
    javascript: Literal["auto", "always", "never"] = "auto"
    """When Chromium opens a page: "auto" where it has scripts and next to no text without them."""
    chromium: Literal["auto", "docker", "bubblewrap", "user"] = "auto"
    """What contains Chromium; "auto": Docker where its image is there, else bubblewrap, else an unprivileged user."""
    allow: tuple[str, ...] = ()
    """Domains (with their subdomains) that may be opened; empty: all."""
    block: tuple[str, ...] = ()
    """Domains (with their subdomains) that may not be opened and are left out of search results."""
    private: tuple[str, ...] = ()
    """Private hosts, addresses or networks that may be reached all the same: `wiki.corp`, `10.1.0.0/16`,
    `127.0.0.1:8000`."""
    ports: tuple[int, ...] = (80, 443)
    """Ports of the public web that may be reached."""
    record: str | Path | None = None
    """A file that keeps what was searched and fetched; None: nothing is kept beyond the session."""
    recording: Literal["cache", "record", "replay"] = "cache"
    """What `record` is for: "cache" (what the file holds comes from it; the rest from the web, and is kept), "record"
    (all from the web, and kept), "replay" (all from the file; what it lacks is refused, and nothing reaches out)."""
    timeout: float = 60.0
    """Seconds a call may take."""
    max_bytes: int = 10 << 20
    """Bytes of a page that are read, after decompression."""
    view_tokens: int = 1024
    """Tokens of a view, as the model was trained."""
    max_view_tokens: int = 16_384
    """Most tokens of a view where the model asks for a number of lines."""

    def __post_init__(self) -> None:
        if self.timeout <= 0 or self.max_bytes < 1024 or not 64 <= self.view_tokens <= self.max_view_tokens:
            raise UserError(
                f"Browser(timeout={self.timeout}, max_bytes={self.max_bytes}, view_tokens={self.view_tokens}, "
                f"max_view_tokens={self.max_view_tokens}): give seconds > 0, bytes >= 1024, and tokens from 64 up to "
                "max_view_tokens."
            )
        if self.recording != "cache" and self.record is None:
            raise UserError(f"Browser(recording={self.recording!r}) needs a file: give record=PATH.")
        self.policy  # noqa: B018 (refuses what makes no sense)
        if not self.providers:
            raise UserError("Browser has nothing to search: give corpus=FOLDER or search=PROVIDER.")

    @property
    def providers(self) -> tuple[SearchProvider, ...]:
        """What is searched, in order. Raises `UserError` on a spec that names none."""
        found: list[SearchProvider] = []
        if self.corpus is not None:
            found.append(self.corpus if isinstance(self.corpus, Corpus) else Corpus(self.corpus))
        search = self.search
        if search is None:
            search = "duckduckgo" if self.corpus is None else ()
        specs = search if isinstance(search, tuple) else (search,)
        return (*found, *(provider(spec) if isinstance(spec, str) else spec for spec in specs))

    @property
    def sources(self) -> tuple[str, ...]:
        """What the model may name as `source`: `web` where there is no choice, as it was trained."""
        names = tuple(provider.name for provider in self.providers)
        return names if len(names) > 1 else ("web",)

    @property
    def policy(self) -> EgressPolicy:
        """What may be reached. Raises `UserError` on an entry that makes no sense."""
        return EgressPolicy(self.allow, self.block, self.private, self.ports)

    @property
    def reaches_web(self) -> bool:
        """Whether pages beyond the corpus may be opened."""
        if self.web is not None:
            return self.web
        return self.corpus is None or self.search is not None
