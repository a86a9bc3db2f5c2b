"""The supervisor: PID 1 of the sandbox. It does what the host's frames ask for and says what became of it."""

import gc
import json
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import BinaryIO

from . import archive, facts, files, frames, processes
from .commands import Commands
from .kernel import Kernel
from .loop import Loop
from .net import Net
from .wire import Wire

EXIT_HOST_GONE = 0
EXIT_STUCK = 71
"""Some process would not die: only the host can end this sandbox."""

Message = Mapping[str, object]


class _NotOpened(Exception):
    """A file that is to be written could not even be opened."""

    def __init__(self, why: Exception) -> None:
        self.why = why


class Supervisor:
    def __init__(self, wire: Wire, config: Message) -> None:
        self._wire = wire
        self._config = config
        workdir, scratch = str(config["workdir"]), str(config["scratch"])
        self._loop = Loop()
        self._tree = files.Tree(workdir)
        self._workdir = workdir
        self._temporary = (scratch, "/dev/shm") if os.getpid() == 1 else (scratch,)
        cap = _int(config, "output_cap")
        self._kernel = Kernel(self._loop, wire, workdir=workdir, scratch=scratch, output_cap=cap)
        self._commands = Commands(self._loop, wire, workdir, scratch)
        self._net: Net | None = None
        self._oom_before: int | None = None
        self._incoming: dict[int, BinaryIO | bytearray | Exception] = {}
        self._paths: dict[int, str] = {}
        """Of the files that are being written: where."""
        self._ops: dict[str, Callable[[Message], None]] = {
            "spawn": self._spawn,
            "interrupt": self._interrupt,
            "kill": self._kill,
            "put": self._put,
            "put_end": self._put_end,
            "get": self._get,
            "list": self._list,
            "exec_begin": lambda m: self._incoming.__setitem__(_int(m, "id"), bytearray()),
            "exec": self._exec,
            "abandon": self._abandon,
            "snapshot": self._snapshot,
            "restore": self._restore,
            "stats": lambda m: self._wire.reply(_int(m, "id"), **facts.usage()),
        }

    def run(self) -> None:
        """Serve for ever; the process ends when the host's end of the stream does."""
        wake = _wake_on_children()
        self._loop.add(wake, lambda: self._children(wake))
        self._loop.add(self._wire.read_fd, self._receive)
        self._loop.before_sleep = self._kernel.pump
        self._wire.say("hello", facts=facts.collect())
        if self._config.get("egress_port"):
            self._net = Net(self._loop, self._wire, _int(self._config, "egress_port"))
            self._ops |= {"net_ack": self._net.acknowledged, "net_end": self._net.ended_by_host}
        if key := self._config.get("kernel_key"):
            self._start_kernel(str(key))
        gc.enable()
        self._loop.run()

    def _receive(self) -> None:
        received = self._wire.receive()
        if received is None:
            processes.kill_everything()
            os._exit(EXIT_HOST_GONE)
        for kind, payload in received:
            if kind == frames.CONTROL:
                message = json.loads(payload)
                self._ops[message["op"]](message)
            elif kind == frames.NET and self._net:
                self._net.from_host(*frames.split_data(payload))
            elif kind == frames.DATA:
                self._take(*frames.split_data(payload))
            elif self._kernel.pid is not None:
                self._kernel.send(kind, frames.unpack_parts(payload))

    # Processes

    def _children(self, wake: int) -> None:
        os.read(wake, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self._ended(pid, status)

    def _ended(self, pid: int, status: int) -> None:
        if self._commands.ended(pid, status) or pid != self._kernel.pid:
            return
        kills = facts.oom_kills()
        oom = kills is not None and kills != self._oom_before
        self._kernel.forget()
        # What it started is of no use without it, and would count against the limits of the next one.
        self._clear()
        if oom:
            # They count as memory where they lie in a tmpfs: the next kernel might not find enough to start.
            for folder in self._temporary:
                files.empty(folder)
        self._wire.say("exit", kernel=self._kernel.serial, code=os.waitstatus_to_exitcode(status), oom=oom)

    def _spawn(self, message: Message) -> None:
        self._clear()
        self._start_kernel(str(message["key"]))

    def _start_kernel(self, key: str) -> None:
        self._oom_before = facts.oom_kills()
        self._kernel.start(key)

    def _interrupt(self, message: Message) -> None:
        if self._kernel.pid is not None:
            # The group and not the process: `os.system` ignores the signal in the parent.
            os.killpg(self._kernel.pid, signal.SIGINT)

    def _kill(self, message: Message) -> None:
        self._clear()
        self._wire.reply(_int(message, "id"))

    def _clear(self) -> None:
        """No process left but this one."""
        if self._kernel.pid is not None:
            self._kernel.forget()
        statuses = processes.kill_everything()
        if statuses is None:
            self._wire.say("stuck")
            os._exit(EXIT_STUCK)
        for pid, status in statuses.items():
            self._commands.ended(pid, status)

    # Files and commands

    def _take(self, request: int, piece: bytes) -> None:
        sink = self._incoming.get(request)
        if isinstance(sink, bytearray):
            sink += piece
        elif sink is not None and not isinstance(sink, Exception):
            try:
                sink.write(piece)
            except OSError as error:
                self._incoming[request] = error
                _close_quietly(sink)

    def _put(self, message: Message) -> None:
        request = _int(message, "id")
        self._paths[request] = str(message["path"])
        try:
            self._incoming[request] = self._tree.open_write(self._paths[request])
        except (OSError, files.Refused) as error:
            self._incoming[request] = _NotOpened(error)

    def _put_end(self, message: Message) -> None:
        request = _int(message, "id")
        sink, path = self._incoming.pop(request), self._paths.pop(request)
        try:
            if isinstance(sink, Exception):
                raise sink
            assert not isinstance(sink, bytearray)
            sink.close()
        except _NotOpened as error:
            self._refuse(request, error.why)
        except OSError as error:
            # Half a file would be taken for the whole one.
            self._remove(path)
            self._refuse(request, error)
        else:
            self._wire.reply(request)

    def _abandon(self, message: Message) -> None:
        """Nobody waits for this request any more: its command is killed, what was sent for it is dropped."""
        request = _int(message, "id")
        self._commands.cancel(request)
        sink, path = self._incoming.pop(request, None), self._paths.pop(request, None)
        if path is not None and not isinstance(sink, _NotOpened):
            if sink is not None and not isinstance(sink, bytearray | Exception):
                _close_quietly(sink)
            self._remove(path)

    def _remove(self, path: str) -> None:
        # It may never have been there.
        with suppress(OSError, files.Refused):
            self._tree.remove(path)

    def _get(self, message: Message) -> None:
        request, limit = _int(message, "id"), _int(message, "limit")
        try:
            with self._tree.open_read(str(message["path"]), limit) as file:
                self._wire.stream_all(request, files.pieces(file, limit))
        except (OSError, files.Refused) as error:
            self._refuse(request, error)
        else:
            self._wire.reply(request)

    def _list(self, message: Message) -> None:
        request = _int(message, "id")
        listing = json.dumps(list(self._tree.listing())).encode()
        self._wire.stream(request, listing)
        self._wire.reply(request)

    def _exec(self, message: Message) -> None:
        request = _int(message, "id")
        stdin = self._incoming.pop(request)
        assert isinstance(stdin, bytearray)
        try:
            self._commands.start(request, message, bytes(stdin))
        except (OSError, ValueError) as error:
            self._refuse(request, error)

    def _snapshot(self, message: Message) -> None:
        request = _int(message, "id")
        try:
            archive.pack(self._workdir, _int(message, "limit"), lambda piece: self._wire.stream(request, piece))
        except (OSError, files.Refused) as error:
            self._refuse(request, error)
        else:
            self._wire.reply(request)

    def _restore(self, message: Message) -> None:
        request = _int(message, "id")
        packed = self._incoming.pop(request)
        assert isinstance(packed, bytearray)
        try:
            archive.unpack(packed, self._workdir)
        except (OSError, files.Refused) as error:
            self._refuse(request, error)
        else:
            self._wire.reply(request)

    def _refuse(self, request: int, error: Exception) -> None:
        self._wire.reply(request, error=files.explain(error), kind=type(error).__name__)


def main(config: Message, read_fd: int, write_fd: int) -> None:
    """Run on the frame stream of these descriptors; `config` is the host's."""
    processes.set_dumpable(False)
    processes.limit(config["rlimits"])
    if os.getpid() != 1:
        processes.adopt_orphans()
    # Kernels inherit this: ipykernel takes interrupts while a cell runs, before that they would end it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    wire = Wire(read_fd, write_fd, limit=_int(config, "frame_limit"))
    Supervisor(wire, config).run()


def _wake_on_children() -> int:
    """A descriptor that becomes readable when a child has ended."""
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return read


def _close_quietly(file: BinaryIO) -> None:
    # What it still held could not be written, which is being reported already.
    with suppress(OSError):
        file.close()


def _int(message: Message, name: str) -> int:
    value = message[name]
    if not isinstance(value, int):
        raise TypeError(f"{name} must be an integer")
    return value
