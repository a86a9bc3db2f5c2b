"""What the user says: base URLs, options, and where the key is."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ossia.engine.checks import refuse_unknown
from ossia.errors import UserError
from ossia.types import JsonValue

KEY_VARIABLE = "OSSIA_API_KEY"
OPTIONS = ("urls", "model", "wire", "api_key_env", "max_context", "retries", "timeout")


@dataclass(frozen=True, slots=True)
class Target:
    """Which servers, which model, how patient."""

    spec: str
    urls: tuple[str, ...]
    """Base URLs without a slash at the end, such as `http://host:8000/v1`."""
    model: str | None
    """None: the first that the server lists."""
    wire: str | None
    """The name of a wire form; None: found by probing."""
    key_variable: str
    key: str | None = field(repr=False)
    """The API key. It goes into one header and nowhere else."""
    max_context: int | None
    """Token ids; None: what the server says."""
    retries: int
    """How often one completion is sent again after a failure."""
    timeout: float
    """Seconds of silence after which a server counts as lost."""


def read_target(spec: str, options: Mapping[str, JsonValue], wires: Sequence[str]) -> Target:
    """Check a spec and the options of it. Raises `UserError` for what is wrong with them."""
    refuse_unknown("http", options, OPTIONS)
    more = options.get("urls", [])
    if not isinstance(more, list | tuple) or not all(isinstance(url, str) for url in more):
        raise UserError("the option urls is a list of base URLs, such as ['http://host:8000/v1']")
    urls = tuple(dict.fromkeys(_base(str(url)) for url in (*spec.split(","), *more)))
    wire = _text(options, "wire")
    if wire is not None and wire not in wires:
        raise UserError(f"there is no wire form {wire!r}: give one of {', '.join(wires)}, or none to have it found")
    variable = _text(options, "api_key_env") or KEY_VARIABLE
    context = None if options.get("max_context") is None else int(_number(options, "max_context", 0, least=2))
    return Target(
        spec=spec,
        urls=urls,
        model=_text(options, "model"),
        wire=wire,
        key_variable=variable,
        key=_key(variable),
        max_context=context,
        retries=int(_number(options, "retries", 5, least=0)),
        timeout=_number(options, "timeout", 600.0, least=0.1),
    )


def _base(url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise UserError(f"{_without_user(url)!r} is no URL of a server: give one such as http://host:8000/v1")
    if parts.username is not None or parts.query or parts.fragment:
        # They would stand in the spec, and so in every journal.
        raise UserError(
            f"{_without_user(url)!r} holds a user, a query or a fragment: give the URL alone, a key in ${KEY_VARIABLE}"
        )
    path = parts.path.rstrip("/") or "/v1"
    return f"{parts.scheme.lower()}://{parts.netloc}{path}"


def _without_user(url: str) -> str:
    """The URL as far as it can be shown: a password or a key may stand before the @ or in the query."""
    return url.strip().partition("?")[0].rpartition("@")[2]


def _key(variable: str) -> str | None:
    key = os.environ.get(variable, "").strip()
    if not key.isascii() or any(c.isspace() for c in key):
        raise UserError(f"${variable} holds a key with blanks or letters that no header can carry: set it again")
    return key or None


def _text(options: Mapping[str, JsonValue], name: str) -> str | None:
    value = options.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise UserError(f"the option {name} is a text, not {value!r}")
    return value


def _number(options: Mapping[str, JsonValue], name: str, default: float, *, least: float) -> float:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
        raise UserError(f"the option {name} is a number of at least {least:g}, not {value!r}")
    return value
