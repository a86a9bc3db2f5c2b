"""Requests to servers: one pool of connections for all of them, with the key on each request."""

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager

import aiohttp

from ossia.engine.http._events import EventLines, parse_object
from ossia.engine.http._faults import Lost, Unreadable, refusal, server_words
from ossia.engine.http._spec import Target
from ossia.engine.http._wire import Arrived, Ask, Event, Reader, Wire
from ossia.types import JsonValue

KEEP_ALIVE = 4.0
"""Seconds that an unused connection is kept: uvicorn, on which most of these servers run, drops them after 5."""
CONNECT_TIMEOUT = 10.0
TAIL_TIMEOUT = 1.0
"""Seconds for the counts and the end of a stream after its last token id; without them the answer is whole too."""


class Client:
    """Talks to the servers of one engine, in the event loop that it was made in. Close it."""

    def __init__(self, target: Target) -> None:
        self._key = target.key
        self._variable = target.key_variable
        self._silence = target.timeout
        headers = {"Content-Type": "application/json"}
        if target.key:
            headers["Authorization"] = f"Bearer {target.key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._answers: set[aiohttp.ClientResponse] = set()

    async def close(self) -> None:
        """Close every connection. Completions under way raise `Lost`."""
        # Closing the session alone would leave whoever reads an answer waiting.
        for response in list(self._answers):
            response.close()
        await self._session.close()

    async def fetch(self, url: str, body: Mapping[str, JsonValue] | None = None) -> Event:
        """The JSON object that a URL answers to GET, or to POST of `body`. Raises `Lost`, `Refused`, `Unreadable`."""
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body).encode())
        async with self._request(method, url, data) as response:
            return parse_object(await self._whole(response), url)

    async def complete(self, base: str, wire: Wire, ask: Ask) -> AsyncGenerator[Arrived, None]:
        """One request: what has arrived, each time that token ids have; the last time with `finish`.

        Raises `Lost` when it can be sent again, `Refused` when the server does not want it, `Unreadable` when it
        breaks the form. Closing the generator closes the connection, at which servers stop computing.
        """
        url = wire.url(base)
        data = json.dumps(wire.body(ask), separators=(",", ":")).encode()
        headers = {"X-Session-ID": ask.affinity} if ask.affinity else None
        async with self._request("POST", url, data, headers) as response:
            answer = _Answer(url, wire.reader(ask), self._key)
            arrived = answer.arrived
            if response.content_type == "text/event-stream":
                with _Watch(response, self._silence) as watch:
                    while arrived.finish is None and (received := await watch.read()):
                        answer.feed(answer.lines.feed(received))
                        if arrived.token_ids and arrived.finish is None:
                            yield arrived
                    await _read_tail(response, answer)
            else:
                answer.feed([parse_object(await self._whole(response), url)])
            if arrived.finish in (None, "abort", "error"):
                raise Lost(f"{url} ended its answer before the completion was over")
            yield arrived

    @asynccontextmanager
    async def _request(
        self, method: str, url: str, data: bytes | None, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """An answer of status 200; what goes wrong before it or while it is read becomes `Lost` or `Refused`."""
        try:
            async with asyncio.timeout(self._silence):
                response = await self._session.request(method, url, data=data, headers=headers, allow_redirects=False)
            async with response:
                await self._check(response, url)
                self._answers.add(response)
                try:
                    yield response
                finally:
                    self._answers.discard(response)
        except (aiohttp.ClientError, OSError) as error:
            raise _lost(url, error) from error

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        async with asyncio.timeout(self._silence):
            return await response.read()

    async def _check(self, response: aiohttp.ClientResponse, url: str) -> None:
        if response.status != 200:
            said = server_words((await self._whole(response)).decode(errors="replace"), self._key)
            wait = _seconds(response.headers.get("Retry-After"))
            has_key = self._key is not None
            raise refusal(url, response.status, said, self._variable, has_key=has_key, wait=wait)


class _Watch:
    """Reads a response, and gives it up when it is silent for too long.

    It has one timer, which looks how long the reader has been waiting: aiohttp's own read timeout sets a new one for
    each piece that arrives.
    """

    def __init__(self, response: aiohttp.ClientResponse, seconds: float) -> None:
        self._response = response
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._since = math.inf
        self._expired = False

    async def read(self) -> bytes:
        """What has arrived since the last call, once something has; nothing at the end."""
        self._since = self._loop.time()
        received = await self._response.content.readany()
        self._since = math.inf
        return received

    def __enter__(self) -> "_Watch":
        self._timer = self._loop.call_later(self._seconds, self._look)
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._timer.cancel()
        if self._expired and isinstance(error, aiohttp.ClientError):
            raise TimeoutError from error

    def _look(self) -> None:
        left = self._since + self._seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(min(left, self._seconds), self._look)
        else:
            self._expired = True
            self._response.close()


class _Answer:
    """An answer while it comes in."""

    def __init__(self, url: str, reader: Reader, key: str | None) -> None:
        self.lines = EventLines(url)
        self.arrived = Arrived()
        self._url = url
        self._reader = reader
        self._key = key

    def feed(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.get("error"):
                # A server that fails in mid-stream can only say so in the stream.
                raise Lost(f"{self._url} failed: {server_words(json.dumps(event), self._key)}")
            try:
                self._reader.feed(event, self.arrived)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
                shown = server_words(json.dumps(event), self._key)
                raise Unreadable(f"{self._url} breaks its wire form ({_reason(error)}): {shown}") from error


async def _read_tail(response: aiohttp.ClientResponse, answer: _Answer) -> None:
    """Read to the end after the last token id: the counts come there, and the connection can be used again."""
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with asyncio.timeout(TAIL_TIMEOUT):
            while received := await response.content.readany():
                answer.feed(answer.lines.feed(received))


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _seconds(retry_after: str | None) -> float | None:
    """A Retry-After header in seconds; its other form, a date, is passed over."""
    return float(retry_after) if retry_after and retry_after.isdecimal() else None


def _lost(url: str, error: Exception) -> Lost:
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return Lost(f"{url}: no secure connection ({error.os_error if hasattr(error, 'os_error') else error})")
        case aiohttp.ClientConnectorError():
            return Lost(f"no server answers at {url} ({error.os_error.strerror or error.os_error})")
        case TimeoutError():
            return Lost(f"{url} was silent for too long")
        case _:
            return Lost(f"{url} broke off ({str(error) or type(error).__name__})")
