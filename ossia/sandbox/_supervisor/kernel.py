"""One kernel at a time: started by a fork, relayed message by message, its output bounded."""

import json
import os
import shutil
from importlib import import_module
from typing import Any

from . import frames, kernel_main, processes
from .capped import HeadTail
from .loop import Loop
from .wire import Wire

_BURST = 64
"""Messages relayed of one socket before the others get their turn."""


class Kernel:
    """Relays between the host's frames and the sockets of an ipykernel."""

    def __init__(self, loop: Loop, wire: Wire, *, workdir: str, scratch: str, output_cap: int) -> None:
        self.pid: int | None = None
        self._loop = loop
        self._wire = wire
        self._workdir = workdir
        self._scratch = scratch
        self._cap = output_cap
        self._kept: HeadTail[list[bytes]] = HeadTail(output_cap)
        self.serial = 0
        """Which kernel it is, counted from 1: the host must not take the end of one for the end of the next."""
        self._directory = ""
        self._context: Any = None
        self._sockets: dict[int, Any] = {}
        self._waiting: list[tuple[int, list[bytes]]] = []
        self._ready = False

    def start(self, key: str) -> None:
        """Fork a kernel; `ready` is said when its first message (the welcome of its iopub socket) arrives."""
        if not self.serial:
            kernel_main.preload()
        self.serial += 1
        self._directory = f"{self._scratch}/.kernel-{self.serial}"
        os.mkdir(self._directory, 0o700)
        connection = f"{self._directory}/connection.json"
        with open(connection, "w") as file:
            json.dump(self._connection(key), file)
        errors = os.dup(2)
        self.pid = os.fork()
        if self.pid == 0:
            processes.become_child(keep={0, 1, 2, errors})
            null = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            kernel_main.run(connection, self._workdir, errors)
        os.close(errors)
        self._connect()

    def send(self, channel: int, parts: list[bytes]) -> None:
        """A message of the host to the kernel; kept until the kernel is ready."""
        if channel == frames.SHELL:
            self._kept = HeadTail(self._cap)
        if self._ready:
            self._sockets[channel].send_multipart(parts)
        else:
            self._waiting.append((channel, parts))

    def pump(self) -> bool:
        """Relay what has arrived; True: there is more."""
        more = False
        for channel, socket in list(self._sockets.items()):
            more |= self._pump_one(channel, socket)
        return more

    def forget(self) -> None:
        """Let go of the sockets of a kernel that is gone, after relaying what it still said."""
        while self.pump():
            pass
        self._flush_tail()
        for socket in self._sockets.values():
            self._loop.remove(socket.FD)
            socket.close(0)
        self._sockets = {}
        if self._context is not None:
            self._context.term()
            self._context = None
        self._waiting = []
        self._ready = False
        self.pid = None
        shutil.rmtree(self._directory, ignore_errors=True)

    def _connection(self, key: str) -> dict[str, object]:
        ports = {f"{name}_port": n for n, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), 1)}
        return {
            "transport": "ipc",
            "ip": f"{self._directory}/s",
            "key": key,
            "signature_scheme": "hmac-sha256",
            **ports,
        }

    def _connect(self) -> None:
        zmq = _zmq()
        self._context = zmq.Context()
        kinds = {
            frames.SHELL: zmq.DEALER,
            frames.IOPUB: zmq.SUB,
            frames.STDIN: zmq.DEALER,
            frames.KERNEL_CONTROL: zmq.DEALER,
        }
        for channel, kind in kinds.items():
            socket = self._context.socket(kind)
            # Without a high-water mark nothing is lost while the host is busy: the kernel's own memory limit bounds it.
            socket.linger, socket.rcvhwm, socket.sndhwm = 0, 0, 0
            socket.reconnect_ivl = 3
            if kind == zmq.SUB:
                socket.subscribe(b"")
            else:
                socket.identity = b"host"
            socket.connect(f"ipc://{self._directory}/s-{channel}")
            self._sockets[channel] = socket
            # The descriptor only tells of changes; `pump` runs before every sleep and reads until nothing is left.
            self._loop.add(socket.FD, lambda: None)

    def _pump_one(self, channel: int, socket: Any) -> bool:
        zmq = _zmq()
        for _ in range(_BURST):
            try:
                parts = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return False
            if not self._ready:
                self._begin()
            self._relay(channel, parts)
        return True

    def _begin(self) -> None:
        self._ready = True
        self._wire.say("ready", kernel=self.serial)
        for channel, parts in self._waiting:
            self._sockets[channel].send_multipart(parts)
        self._waiting = []

    def _relay(self, channel: int, parts: list[bytes]) -> None:
        size = sum(map(len, parts))
        if channel != frames.IOPUB:
            # A reply is small unless the kernel's process makes it otherwise; the cell then ends by its time.
            if size <= self._cap:
                self._wire.send(channel, frames.pack_parts(parts))
            return
        if _is_status(parts):
            # The idle status ends the host's wait: it must come, and after all the output.
            if b'"idle"' in parts[-1]:
                self._flush_tail()
            self._wire.send(channel, frames.pack_parts(parts))
        elif self._kept.offer(parts, size):
            self._wire.send(channel, frames.pack_parts(parts))

    def _flush_tail(self) -> None:
        rest, dropped = self._kept.rest(), self._kept.dropped
        if dropped:
            self._wire.say("dropped", bytes=dropped)
        for parts in rest:
            self._wire.send(frames.IOPUB, frames.pack_parts(parts))
        if rest or dropped:
            self._kept = HeadTail(self._cap)


def _zmq() -> Any:
    """pyzmq, imported only where there is a kernel: commands alone need nothing beside the standard library."""
    return import_module("zmq")


def _is_status(parts: list[bytes]) -> bool:
    """A status message by its shape: ..., delimiter, signature, header, parent, metadata, content."""
    return len(parts) >= 6 and len(parts[-1]) < 256 and b'"execution_state"' in parts[-1] and b'"status"' in parts[-4]
