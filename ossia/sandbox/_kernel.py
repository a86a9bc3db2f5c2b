"""The host's side of a kernel: signed Jupyter messages over a link, one cell at a time."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

from jupyter_client.session import Session

from ossia.errors import SandboxUnavailable
from ossia.sandbox._cell import Cell
from ossia.sandbox._link import Event, Link
from ossia.sandbox._supervisor import frames
from ossia.sandbox.protocol import CellResult, CellStatus

START_TIMEOUT = 90.0
"""Seconds for a kernel to start; only a machine in great trouble needs them."""
_START_ATTEMPTS = 3
_SETTLE_ATTEMPTS = 10
INTERRUPT_GRACE = 8.0
"""Seconds between the interrupt of a cell and the killing of its kernel: a BLAS call has to end first."""

KILL_TIMEOUT = 15.0
"""Seconds for the supervisor to say that all is killed; it gives up by itself after five, if it comes to run."""


class KernelClient:
    """Runs cells. `on_message` and `on_event` are to be called with what the link delivers."""

    def __init__(self, output_cap: int) -> None:
        self.key = secrets.token_hex(32)
        """Key of the kernel that is started next; each kernel has its own."""
        self._cap = output_cap
        self._session = self._new_session()
        self._link: Link | None = None
        self._ready = asyncio.Event()
        self._started = False
        self._was_ready = False
        self._serial = 0
        self._cell: Cell | None = None
        self._exit: Event | None = None
        self._killing = False
        self._turn = asyncio.Lock()

    def attach(self, link: Link, *, started: bool) -> None:
        """Use this link; `started`: its supervisor was told to start a kernel with `key`."""
        self._link = link
        self._started = started
        self._serial = int(started)

    async def execute(self, code: str, timeout: float) -> CellResult:
        """Run a cell; see `Sandbox.execute`."""
        async with self._turn:
            await self._settle()
            if failed := await self._wait_ready():
                return failed
            return await self._run(code, timeout)

    async def interrupt(self) -> None:
        """SIGINT to the kernel's process group."""
        if self._cell:
            self._cell.mark_interrupted()
        await self._connected.say("interrupt")

    async def restart(self) -> None:
        """Kill every process of the sandbox and start a new kernel."""
        if cell := self._cell:
            self._killing = True
            cell.finish()
        await self._kill()
        await self._spawn()
        await self._wait_ready()

    def on_message(self, channel: int, parts: list[bytes]) -> None:
        """A Jupyter message. May raise what malformed messages raise."""
        _, rest = self._session.feed_identities(parts)
        message: Mapping[str, Any] = self._session.deserialize(rest)
        cell = self._cell
        if cell is None or message["parent_header"].get("msg_id") != cell.message_id:
            return
        if channel == frames.IOPUB:
            cell.take(message["header"]["msg_type"], message["content"])
        elif channel == frames.SHELL and message["header"]["msg_type"] == "execute_reply":
            cell.reply(message["content"])

    def on_event(self, event: Event) -> None:
        """What the supervisor says by itself."""
        match event["op"]:
            case "ready" if event["kernel"] == self._serial:
                self._was_ready = True
                self._ready.set()
            case "dropped" if self._cell and isinstance(event["bytes"], int):
                self._cell.mark_dropped(event["bytes"])
            case "exit" if event["kernel"] == self._serial:
                self._ended(event)
            case "lost":
                self._ended(event)

    def _ended(self, event: Event) -> None:
        self._exit = event
        self._started = False
        # Whoever waits for a kernel must wake up and find it gone.
        self._ready.set()
        if self._cell:
            self._cell.finish()

    @property
    def _connected(self) -> Link:
        if self._link is None:
            raise SandboxUnavailable("the sandbox is not open")
        return self._link

    async def _run(self, code: str, timeout: float) -> CellResult:
        content = {
            "code": code,
            "silent": False,
            "store_history": False,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        request = self._session.msg("execute_request", content)
        cell = Cell(request["header"]["msg_id"], self._cap)
        self._cell, self._exit, self._killing = cell, None, False
        begun = time.monotonic()
        try:
            await self._connected.send(frames.SHELL, frames.pack_parts(self._session.serialize(request)))
            status = await self._await_end(cell, timeout)
        except asyncio.CancelledError:
            # The next cell waits for this one to stop, or has it killed.
            await asyncio.shield(self._interrupt_quietly())
            raise
        self._cell = None
        outputs, dropped = cell.results()
        detail = await self._after(status)
        return CellResult(status, outputs, dropped, time.monotonic() - begun, detail)

    async def _await_end(self, cell: Cell, timeout: float) -> CellStatus:
        if await _within(cell, timeout):
            return self._status(cell, "error" if cell.failed else "ok")
        await self.interrupt()
        if await _within(cell, INTERRUPT_GRACE):
            return self._status(cell, "timeout")
        await self._kill()
        return "killed"

    def _status(self, cell: Cell, otherwise: Literal["ok", "error", "timeout"]) -> CellStatus:
        if self._killing:
            return "killed"
        if self._exit is None:
            return otherwise
        if self._exit["op"] == "lost":
            raise SandboxUnavailable(f"the sandbox is gone: {self._exit['reason']}")
        return "oom" if self._exit["oom"] else "exited"

    async def _after(self, status: CellStatus) -> str:
        """Have a new kernel started where the old one is gone; what is known of its end."""
        if status not in ("killed", "oom", "exited"):
            return ""
        exit_code = self._exit.get("code") if self._exit else None
        if not self._killing:
            await self._spawn()
        if status == "oom":
            return "the kernel was killed because the sandbox ran out of memory"
        if status == "killed":
            return "the kernel did not stop when interrupted and was killed"
        return f"the kernel's process ended by itself ({_describe_exit(exit_code)})"

    async def _settle(self) -> None:
        """Make sure that no cell of a cancelled caller still runs."""
        cell = self._cell
        if cell is None:
            return
        # Interrupted again and again: the first may have come before the kernel had begun with the cell.
        for _ in range(_SETTLE_ATTEMPTS):
            if await _within(cell, INTERRUPT_GRACE / _SETTLE_ATTEMPTS):
                break
            await self.interrupt()
        else:
            await self._kill()
        self._cell = None

    async def _wait_ready(self) -> CellResult | None:
        """Wait for a kernel that takes cells. What is given back says why there is none: the code has seen to that."""
        for _ in range(_START_ATTEMPTS):
            if not self._started:
                await self._spawn()
            try:
                async with asyncio.timeout(START_TIMEOUT):
                    await self._ready.wait()
            except TimeoutError:
                raise SandboxUnavailable(f"the kernel did not start within {START_TIMEOUT:.0f} s") from None
            if self._started:
                return None
            if self._connected.lost is not None:
                raise SandboxUnavailable(f"the sandbox is gone: {self._connected.lost}")
        code = _describe_exit(self._exit.get("code") if self._exit else None)
        if not self._was_ready:
            raise SandboxUnavailable(f"no kernel can be started: its process ends with {code}")
        status: CellStatus = "oom" if self._exit and self._exit["oom"] else "exited"
        return CellResult(status, detail=f"a new kernel could not be started ({code}): files may take all the memory")

    async def _spawn(self) -> None:
        self.key = secrets.token_hex(32)
        self._serial += 1
        self._session = self._new_session()
        self._ready.clear()
        await self._connected.say("spawn", key=self.key)
        self._started = True

    async def _kill(self) -> None:
        self._started = False
        self._ready.clear()
        try:
            async with asyncio.timeout(KILL_TIMEOUT):
                await self._connected.request("kill")
        except TimeoutError:
            reason = f"its processes were not killed within {KILL_TIMEOUT:.0f} s"
            await self._connected.close(reason)
            raise SandboxUnavailable(f"the sandbox is gone: {reason}") from None

    async def _interrupt_quietly(self) -> None:
        # Where the sandbox is gone nothing runs any more.
        with suppress(SandboxUnavailable):
            await self.interrupt()

    def _new_session(self) -> Session:
        return Session(key=self.key.encode(), signature_scheme="hmac-sha256")


async def _within(cell: Cell, seconds: float) -> bool:
    """True: the cell ended in time."""
    done, _ = await asyncio.wait([cell.finished], timeout=seconds)
    return bool(done)


def _describe_exit(code: object) -> str:
    if not isinstance(code, int):
        return "unknown exit code"
    return f"signal {-code}" if code < 0 else f"exit code {code}"
