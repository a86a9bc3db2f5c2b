"""The links of a page, numbered in the order in which they appear."""

from urllib.parse import urljoin, urlsplit

_SCHEMES = ("http", "https", "corpus")
_CORPUS = "corpus:"


class Links:
    """Numbers the targets of links: the same target keeps its number."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._domain = domain(base)
        self._ids: dict[str, int] = {}
        self._known: dict[str, tuple[str, str] | None] = {}

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(self._ids)

    def rebase(self, href: str) -> None:
        """Follow a `<base href>`."""
        self._base = resolve(self._base, href) or self._base
        self._known.clear()

    def marker(self, href: str, text: str) -> str | None:
        """`【id†text】`, with `†domain` where it leads elsewhere; None: nothing that a browser could open."""
        found = self._target(href)
        if found is None:
            return None
        url, target = found
        number = self._ids.setdefault(url, len(self._ids))
        text = text.replace("†", "‡")
        return f"【{number}†{text}】" if target == self._domain else f"【{number}†{text}†{target}】"

    def _target(self, href: str) -> tuple[str, str] | None:
        """Address and domain, remembered: navigation repeats its links."""
        if href not in self._known:
            url = resolve(self._base, href)
            self._known[href] = None if url is None else (url, domain(url))
        return self._known[href]


def resolve(base: str, href: str) -> str | None:
    """The absolute URL of `href` on a page at `base`; None: not one that can be opened."""
    try:
        parts = urlsplit(url := _join(base, href.strip()))
    except ValueError:
        return None
    return url if parts.scheme in _SCHEMES and parts.netloc else None


def _join(base: str, href: str) -> str:
    if not base.startswith(_CORPUS) or urlsplit(href).scheme:
        return urljoin(base, href)
    # `urljoin` takes relative references only with the schemes that it knows.
    joined = urljoin("http:" + base.removeprefix(_CORPUS), href)
    return _CORPUS + joined.removeprefix("http:")


def domain(url: str) -> str:
    """Host and port of `url`, empty where it has none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""
