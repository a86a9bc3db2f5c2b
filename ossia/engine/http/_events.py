"""Server-sent events: the lines of a stream, as JSON objects."""

import json
from typing import cast

from ossia.engine.http._faults import Unreadable
from ossia.engine.http._wire import Event

LONGEST_LINE = 16 << 20
"""Bytes. The largest honest events hold a completion's ids or a prompt's: 131,072 of them are about 1 MB."""


class EventLines:
    """Cuts a stream into events, wherever the network cut it. Comments, names of events and the `[DONE]` at the end
    are passed over; the servers here write each event as one line.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._rest = b""

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes. Raises `Unreadable` for a line that is no JSON object."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LONGEST_LINE:
            raise Unreadable(f"{self._url} sends a line of more than {LONGEST_LINE} bytes: it is no stream of events")
        events = []
        for line in lines:
            if line.startswith(b"data:"):
                payload = line[5:].strip()
                if payload != b"[DONE]":
                    events.append(parse_object(payload, self._url))
            elif line.startswith(b"error:"):
                events.append(parse_object(line[6:], self._url))
        return events


def parse_object(text: bytes, url: str) -> Event:
    """Raises `Unreadable` for what is no JSON object."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Unreadable(f"{url} sends what is no JSON: {text[:80]!r}") from error
    if not isinstance(value, dict):
        raise Unreadable(f"{url} sends {type(value).__name__} where an object belongs: {text[:80]!r}")
    return cast(Event, value)
