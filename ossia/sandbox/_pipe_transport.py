"""A supervisor that is a child process: frames over its pipes."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from ossia.errors import SandboxUnavailable
from ossia.sandbox.processes import started

_STDERR_KEPT = 4096
_CLOSE_GRACE = 5.0
"""Seconds for the supervisor to end by itself once its stdin has ended."""


class PipeTransport:
    """Implements `Transport` for a child process."""

    def __init__(self, process: asyncio.subprocess.Process, on_closed: Callable[[], None]) -> None:
        self.process = process
        self._on_closed = on_closed
        self._stderr = b""
        self._drain = asyncio.create_task(self._drain_stderr(), name="sandbox-stderr")
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        on_closed: Callable[[], None] = lambda: None,
    ) -> "PipeTransport":
        """Start the program. Raises `SandboxUnavailable` where that cannot be done."""
        pipe = asyncio.subprocess.PIPE
        starting = asyncio.create_subprocess_exec(
            *argv,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=env,
            pass_fds=pass_fds,
            cwd="/",
            start_new_session=True,
            limit=1 << 20,
        )
        try:
            process = await started(starting, lambda process: cls(process, lambda: None).close())
        except OSError as error:
            raise SandboxUnavailable(f"{argv[0]} could not be started: {error.strerror}") from error
        return cls(process, on_closed)

    async def read(self) -> bytes:
        assert self.process.stdout is not None
        return await self.process.stdout.read(1 << 18)

    async def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        if self.process.stdin.is_closing():
            raise BrokenPipeError("its stdin is closed")
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def close(self) -> None:
        """End stdin, which ends the supervisor; kill what does not end by itself."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="sandbox-close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        assert self.process.stdin is not None
        if not self.process.stdin.is_closing():
            # Not `close`: what a program that hangs was sent would have to be read first.
            self.process.stdin.transport.abort()
        with suppress(OSError):
            await self.process.stdin.wait_closed()
        try:
            await asyncio.wait_for(self.process.wait(), _CLOSE_GRACE)
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, 9)
            await self.process.wait()
        await self._drain
        self._on_closed()

    async def post_mortem(self) -> str:
        """Exit code and the last of stderr."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), 2)
        said = self._stderr.decode("utf-8", "replace").strip()
        return f"its process ended with code {self.process.returncode}{': ' + said[-500:] if said else ''}"

    async def _drain_stderr(self) -> None:
        assert self.process.stderr is not None
        while data := await self.process.stderr.read(1 << 16):
            self._stderr = (self._stderr + data)[-_STDERR_KEPT:]
