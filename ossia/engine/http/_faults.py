"""What can go wrong with a server, and in which words it is told."""

import json

from ossia.errors import EngineError, UserError

BUSY = frozenset({408, 429, 502, 503, 504})
"""Statuses of a server, or of a proxy before it, that could not take the request: nothing was sampled."""

_QUOTED = 300


class Lost(Exception):
    """A request got no answer, or half of one, and can be sent again: sampling changes nothing on the server."""

    def __init__(
        self, message: str, *, wait: float | None = None, busy: bool = False, only_elsewhere: bool = False
    ) -> None:
        """`wait`: seconds that the server asks for. `busy`: it is there, and loading or overloaded. `only_elsewhere`:
        the same server would fail on it again.
        """
        super().__init__(message)
        self.wait = wait
        self.busy = busy
        self.only_elsewhere = only_elsewhere


class Refused(UserError):
    """A server does not want the request, and will not want it again."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Unreadable(EngineError):
    """An answer is not of the wire form that was asked for."""


def refusal(url: str, status: int, said: str, variable: str, *, has_key: bool, wait: float | None) -> Exception:
    """The exception for an answer that is not 200. `said`: the server's own words, see `server_words`."""
    if 300 <= status < 400:
        return Refused(f"{url} sends elsewhere (status {status}): give the URL that answers itself", status)
    if status == 401:
        how = f"refuses the key in ${variable}" if has_key else f"wants a key: set ${variable}"
        return Refused(f"{url} {how} ({said})", status)
    if status in BUSY:
        return Lost(f"{url} answers {status}: {said}", wait=wait, busy=True)
    if status >= 500:
        return Lost(f"{url} answers {status}: {said}", only_elsewhere=True)
    return Refused(f"{url} refuses the request (status {status}): {said}", status)


def server_words(text: str, key: str | None) -> str:
    """What a server says of an error, as one short line. A key that it repeats is taken out."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    for name in ("error", "detail", "message"):
        if isinstance(value, dict) and name in value:
            value = value[name]
    line = " ".join(str(value).split()) or "no reason given"
    if key:
        line = line.replace(key, "[key]")
    return line if len(line) <= _QUOTED else f"{line[:_QUOTED]}..."
