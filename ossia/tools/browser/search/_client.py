"""The HTTP client that providers ask their servers with: JSON in and out, failures told apart."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ossia.tools.browser.search.errors import Failure, SearchError
from ossia.types import JsonValue

if TYPE_CHECKING:
    import aiohttp

_ANSWER_LIMIT: Final = 8 << 20

_FAILURES: Final[Mapping[int, tuple[Failure, str]]] = {
    401: ("unauthorized", "the key was refused"),
    402: ("quota", "the plan's quota is used up"),
    403: ("blocked", "the request was refused"),
    408: ("timeout", "the server gave up"),
    429: ("rate_limited", "too many requests"),
    432: ("quota", "the plan's quota is used up"),
    433: ("quota", "the plan's quota is used up"),
}


class ApiClient:
    """Asks servers that the user configured. They are trusted, so the egress policy does not apply to them.

    `timeout`: seconds one request may take.
    """

    def __init__(self, *, timeout: float = 15.0) -> None:
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, params: Mapping[str, str], headers: Mapping[str, str] | None = None) -> JsonValue:
        """The JSON that a GET request gives. Raises `SearchError`."""
        return await self._request("GET", url, params=params, headers=headers, body=None)

    async def post(self, url: str, body: JsonValue, headers: Mapping[str, str] | None = None) -> JsonValue:
        """The JSON that a POST request with a JSON body gives. Raises `SearchError`."""
        return await self._request("POST", url, params=None, headers=headers, body=body)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: JsonValue,
    ) -> JsonValue:
        import aiohttp  # of the extra `browser`: a provider is named before it is known whether it is installed

        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._timeout)
            self._session = aiohttp.ClientSession(timeout=timeout, trust_env=True)
        try:
            async with self._session.request(method, url, params=params, headers=headers, json=body) as response:
                data = await _read(response.content)
                _check(response.status, response.headers.get("Retry-After"), data)
        except (aiohttp.ClientError, OSError) as error:
            raise SearchError(f"the search server cannot be reached: {error}", "unavailable") from error
        except TimeoutError as error:
            raise SearchError("the search server does not answer", "timeout") from error
        return _json(data)


async def _read(stream: "aiohttp.StreamReader") -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in stream.iter_any():
        parts.append(part)
        size += len(part)
        if size > _ANSWER_LIMIT:
            raise SearchError("the search server's answer is too large", "unavailable")
    return b"".join(parts)


def _check(status: int, retry_after: str | None, data: bytes) -> None:
    if status == 200:
        return
    failure, text = _FAILURES.get(status, ("unavailable", "the search server failed"))
    said = " ".join(data[:200].decode("utf-8", "replace").split())
    seconds = float(retry_after) if retry_after and retry_after.isdigit() else None
    raise SearchError(f"{text} (HTTP {status}: {said})", failure, retry_after=seconds)


def _json(data: bytes) -> JsonValue:
    try:
        value: JsonValue = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SearchError("the search server did not answer with JSON", "unavailable") from error
    return value
