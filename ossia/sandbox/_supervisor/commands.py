"""Commands: processes of their own, with bounded output and a time limit."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from . import facts, processes
from .capped import CappedBytes
from .loop import Loop, Timer
from .wire import Wire

_PIPE_SIZE = 1 << 20


@dataclass
class Command:
    """One command under way."""

    request: int
    process: "subprocess.Popen[bytes]"
    outputs: dict[str, CappedBytes]
    timer: Timer | None = None
    timed_out: bool = False
    oom_before: int | None = None
    open_pipes: dict[str, IO[bytes]] = field(default_factory=dict)


class Commands:
    def __init__(self, loop: Loop, wire: Wire, workdir: str, spool: str) -> None:
        self._loop = loop
        self._wire = wire
        self._workdir = workdir
        self._spool = spool
        self._running: dict[int, Command] = {}

    def start(self, request: int, message: Mapping[str, object], stdin: bytes) -> None:
        """Run what `message` says: argv, env, cwd, timeout (seconds), cap (bytes), merge (stderr into stdout)."""
        merge = bool(message.get("merge"))
        oom_before = facts.oom_kills()
        try:
            process = self._popen(message, merge, stdin)
        except OSError as error:
            # The same codes that a shell gives: 127 not found, 126 found but not to be run.
            code = 127 if isinstance(error, FileNotFoundError) else 126
            self._wire.reply(request, status="exited", code=code, spawn_error=f"{error.strerror}: {error.filename}")
            return
        cap = _int(message, "cap")
        names = ("stdout",) if merge else ("stdout", "stderr")
        outputs = {name: CappedBytes(cap // len(names)) for name in names}
        command = Command(request, process, outputs, oom_before=oom_before)
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                command.open_pipes[name] = pipe
                self._loop.add(pipe.fileno(), self._reader(command, name))
        timeout = message.get("timeout")
        if isinstance(timeout, int | float):
            command.timer = self._loop.call_later(timeout, lambda: self._time_out(command))
        self._running[process.pid] = command

    def cancel(self, request: int) -> None:
        """Kill the command of `request`, if it still runs."""
        for command in self._running.values():
            if command.request == request:
                processes.kill_family(command.process.pid)

    def ended(self, pid: int, status: int) -> bool:
        """Answer for a reaped process; False: it was none of ours."""
        command = self._running.pop(pid, None)
        if command is None:
            return False
        code = os.waitstatus_to_exitcode(status)
        command.process.returncode = code
        if command.timer:
            command.timer.cancel()
        for name, pipe in command.open_pipes.items():
            _drain(pipe, command.outputs[name])
        self._answer(command, code)
        return True

    def _popen(self, message: Mapping[str, object], merge: bool, stdin: bytes) -> "subprocess.Popen[bytes]":
        argv, env = message["argv"], message.get("env")
        assert isinstance(argv, list)
        source: int | IO[bytes] = subprocess.DEVNULL
        if stdin:
            # A file and not a pipe: the command may read it when it likes, or not at all.
            source = os.fdopen(os.open(self._spool, os.O_TMPFILE | os.O_RDWR, 0o600), "w+b")
            source.write(stdin)
            source.seek(0)
        try:
            return subprocess.Popen(
                argv,
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if merge else subprocess.PIPE,
                cwd=str(message.get("cwd") or self._workdir),
                env={**os.environ, **env} if isinstance(env, dict) else None,
                preexec_fn=_in_child,
            )
        finally:
            if not isinstance(source, int):
                source.close()

    def _reader(self, command: Command, name: str) -> Callable[[], None]:
        pipe, output = command.open_pipes[name], command.outputs[name]

        def read() -> None:
            try:
                data = os.read(pipe.fileno(), 1 << 16)
            except BlockingIOError:
                return
            if data:
                # What a background process says after its command has ended is read and let go.
                if command.process.pid in self._running:
                    output.write(data)
                return
            self._loop.remove(pipe.fileno())
            del command.open_pipes[name]
            pipe.close()

        return read

    def _time_out(self, command: Command) -> None:
        command.timed_out = True
        processes.kill_family(command.process.pid)

    def _answer(self, command: Command, code: int) -> None:
        sizes = {}
        for name, output in command.outputs.items():
            head, tail, dropped = output.finish()
            self._wire.stream(command.request, head + tail)
            sizes[name] = [len(head), len(tail), dropped]
        oom = code == -signal.SIGKILL and command.oom_before not in (None, facts.oom_kills())
        status = "timeout" if command.timed_out else "oom" if oom else "exited"
        self._wire.reply(command.request, status=status, code=code, sizes=sizes)


def _in_child() -> None:
    os.setsid()
    processes.set_dumpable(True)
    processes.be_killed_first()
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _drain(pipe: IO[bytes], output: CappedBytes) -> None:
    """Read what the command had written when it ended: no more than a pipe holds, others may still be writing."""
    with suppress(BlockingIOError):
        output.write(os.read(pipe.fileno(), _PIPE_SIZE))


def _int(message: Mapping[str, object], name: str) -> int:
    value = message[name]
    assert isinstance(value, int)
    return value
