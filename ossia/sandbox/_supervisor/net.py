"""The inner end of the egress proxy: connections to a port of the loopback, relayed to the host as frames.

Nothing is decided here: the host reads what the code asks for, and connects only where it is allowed to.
"""

import select
import socket
from collections.abc import Mapping
from contextlib import suppress

from .loop import Loop
from .wire import Wire

WINDOW = 256 * 1024
"""Bytes of one connection that may be under way to the host without its acknowledgement."""
_MOST = 64
"""Connections at once; more wait to be accepted."""


class _Connection:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.to_write = bytearray()
        self.unacknowledged = 0
        self.reading = True
        self.host_ended = False


class Net:
    def __init__(self, loop: Loop, wire: Wire, port: int) -> None:
        self._loop = loop
        self._wire = wire
        self._connections: dict[int, _Connection] = {}
        self._serial = 0
        self._listener = socket.create_server(("127.0.0.1", port), backlog=16)
        self._listener.setblocking(False)
        loop.add(self._listener.fileno(), self._accept)

    def from_host(self, number: int, data: bytes) -> None:
        """Bytes for the code's end of a connection."""
        if connection := self._connections.get(number):
            connection.to_write += data
            self._write(number, connection)

    def acknowledged(self, message: Mapping[str, object]) -> None:
        """The host has passed on so many bytes."""
        number, size = message["id"], message["bytes"]
        assert isinstance(number, int)
        assert isinstance(size, int)
        if connection := self._connections.get(number):
            connection.unacknowledged -= size
            self._watch(number, connection)

    def ended_by_host(self, message: Mapping[str, object]) -> None:
        """The host will send nothing more of this connection."""
        number = message["id"]
        assert isinstance(number, int)
        if connection := self._connections.get(number):
            connection.host_ended = True
            self._write(number, connection)

    def _accept(self) -> None:
        if len(self._connections) >= _MOST:
            self._loop.remove(self._listener.fileno())
            return
        with suppress(OSError):
            sock, _ = self._listener.accept()
            sock.setblocking(False)
            self._serial += 1
            self._connections[self._serial] = _Connection(sock)
            self._wire.say("net_open", id=self._serial)
            self._watch(self._serial, self._connections[self._serial])

    def _ready(self, number: int) -> None:
        connection = self._connections[number]
        self._write(number, connection)
        if number in self._connections and connection.reading and connection.unacknowledged < WINDOW:
            self._read(number, connection)

    def _read(self, number: int, connection: _Connection) -> None:
        try:
            data = connection.sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            self._close(number, connection)
            return
        if data:
            connection.unacknowledged += len(data)
            self._wire.relay(number, data)
        else:
            connection.reading = False
            self._wire.say("net_end", id=number)
        self._watch(number, connection)

    def _write(self, number: int, connection: _Connection) -> None:
        try:
            while connection.to_write:
                sent = connection.sock.send(connection.to_write)
                del connection.to_write[:sent]
                self._wire.say("net_ack", id=number, bytes=sent)
        except BlockingIOError:
            pass
        except OSError:
            self._close(number, connection)
            return
        if connection.host_ended and not connection.to_write:
            self._close(number, connection)
            return
        self._watch(number, connection)

    def _watch(self, number: int, connection: _Connection) -> None:
        events = select.POLLIN if connection.reading and connection.unacknowledged < WINDOW else 0
        if connection.to_write:
            events |= select.POLLOUT
        if events:
            self._loop.add(connection.sock.fileno(), lambda: self._ready(number), events)
        else:
            # Not even a hang-up is to be reported again and again while the host takes its time.
            self._loop.remove(connection.sock.fileno())

    def _close(self, number: int, connection: _Connection) -> None:
        self._loop.remove(connection.sock.fileno())
        connection.sock.close()
        del self._connections[number]
        self._wire.say("net_close", id=number)
        self._loop.add(self._listener.fileno(), self._accept)
