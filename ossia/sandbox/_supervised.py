"""A sandbox as the host sees it: one supervisor at the other end of a link, whatever provider started it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from ossia.errors import SandboxUnavailable
from ossia.sandbox._attest import Facts
from ossia.sandbox._boot import boot_message
from ossia.sandbox._cell import clean, left_out
from ossia.sandbox._egress_gate import PORT, EgressGate
from ossia.sandbox._kernel import KernelClient
from ossia.sandbox._link import FRAME_LIMIT, Event, Link, Transport
from ossia.sandbox.egress import Egress
from ossia.sandbox.errors import SandboxFileError
from ossia.sandbox.protocol import (
    CellResult,
    ExecResult,
    FileInfo,
    Guarantees,
    SandboxInfo,
    SandboxLimits,
    Snapshot,
    Stats,
)
from ossia.types import JsonValue

HELLO_TIMEOUT = 60.0
_LISTING_LIMIT = 16 << 20


class SupervisedSandbox:
    """Implements `Sandbox` over a transport."""

    def __init__(
        self, transport: Transport, *, info: SandboxInfo, limits: SandboxLimits, egress: Egress | None = None
    ) -> None:
        self.info = info
        self.guarantees = Guarantees()
        self._limits = limits
        self._transport = transport
        self._kernel = KernelClient(limits.output_bytes)
        self._hello: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        # Whoever opens it may have been cancelled meanwhile; that nobody asks for the failure is then no fault.
        self._hello.add_done_callback(lambda hello: hello.cancelled() or hello.exception())
        self._link: Link | None = None
        self._gate = EgressGate(egress) if egress else None

    async def boot(self, *, kernel: bool, scratch: str = "/tmp", rlimits: Mapping[str, int] | None = None) -> Facts:
        """Start the supervisor's program and wait for what it attests.

        `scratch`: a folder for sockets and spooled input. `rlimits`: resource limits that the supervisor takes on
        itself, by their names in the module `resource`. Raises `SandboxUnavailable`.
        """
        config: dict[str, JsonValue] = {
            "workdir": self.info.workdir,
            "scratch": scratch,
            "output_cap": self._limits.output_bytes,
            "frame_limit": FRAME_LIMIT,
            "kernel_key": self._kernel.key if kernel else None,
            "rlimits": dict(rlimits or {}),
            "egress_port": PORT if self._gate else None,
        }
        on_net = self._gate.on_data if self._gate else _ignore
        self._link = Link(self._transport, on_message=self._kernel.on_message, on_event=self._on_event, on_net=on_net)
        if self._gate:
            self._gate.attach(self._link)
        self._kernel.attach(self._link, started=kernel)
        # What ended before it had read all of this is told of by the reader, with what it said.
        with suppress(OSError):
            await self._transport.write(boot_message(config))
        try:
            hello = await asyncio.wait_for(self._hello, HELLO_TIMEOUT)
        except TimeoutError:
            raise SandboxUnavailable(f"the sandbox did not start within {HELLO_TIMEOUT:.0f} s") from None
        return Facts.from_json(hello["facts"])

    async def execute(self, code: str, *, timeout: float = 120.0) -> CellResult:
        """Run a cell in the kernel; `timeout` in seconds."""
        return await self._kernel.execute(code, timeout)

    async def interrupt(self) -> None:
        """Interrupt the cell under way."""
        await self._kernel.interrupt()

    async def restart(self) -> None:
        """A new kernel; every other process of the sandbox is killed, files are kept."""
        await self._kernel.restart()

    async def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        timeout: float = 120.0,
        merge_stderr: bool = False,
    ) -> ExecResult:
        """Run a command; see `Sandbox.exec`."""
        begun = asyncio.get_running_loop().time()
        cap = self._limits.output_bytes
        async with self._uploaded("exec_begin", stdin) as number:
            reply, data = await self._connected.ask(
                number,
                "exec",
                room=cap + 1024,
                argv=list(argv),
                env=dict(env) if env else None,
                cwd=cwd,
                timeout=timeout,
                cap=cap,
                merge=merge_stderr,
            )
        if "error" in reply:
            raise SandboxFileError(f"the command could not be started: {reply['error']}")
        return _exec_result(reply, data, asyncio.get_running_loop().time() - begun)

    async def put(self, path: str, data: bytes) -> None:
        """Write a file below the working directory."""
        if len(data) > self._limits.file_bytes:
            raise SandboxFileError(f"{path} has {len(data):,} bytes, the limit is {self._limits.file_bytes:,}")
        async with self._uploaded("put", data, path=path) as number:
            reply, _ = await self._connected.ask(number, "put_end", path=path)
        _raise_refusal(reply, path)

    async def get(self, path: str) -> bytes:
        """Read a regular file below the working directory."""
        limit = self._limits.file_bytes
        reply, data = await self._connected.request("get", room=limit, limit=limit, path=path)
        _raise_refusal(reply, path)
        return data

    async def files(self) -> list[FileInfo]:
        """The regular files below the working directory, by path."""
        _, data = await self._connected.request("list", room=_LISTING_LIMIT)
        return sorted((FileInfo(*entry) for entry in json.loads(data)), key=lambda file: file.path)

    async def snapshot(self) -> Snapshot:
        """The working directory as it is now."""
        limit = self._limits.work_bytes + (16 << 20)
        reply, data = await self._connected.request("snapshot", room=limit, limit=limit)
        _raise_refusal(reply, "the working directory")
        return Snapshot(data)

    async def restore(self, snapshot: Snapshot) -> None:
        """Unpack a snapshot into the working directory."""
        async with self._uploaded("exec_begin", snapshot.tar) as number:
            reply, _ = await self._connected.ask(number, "restore")
        _raise_refusal(reply, "the snapshot")

    async def stats(self) -> Stats:
        """What the sandbox uses now."""
        reply, _ = await self._connected.request("stats")
        return Stats(memory=_int_or_none(reply.get("memory")), processes=_int_or_none(reply.get("processes")))

    async def close(self) -> None:
        """Stop everything of it; may be called twice."""
        if self._link is not None:
            await self._link.close()
        else:
            await self._transport.close()

    @property
    def _connected(self) -> Link:
        if self._link is None:
            raise SandboxUnavailable("the sandbox is not open")
        return self._link

    @asynccontextmanager
    async def _uploaded(self, begin: str, data: bytes, **fields: JsonValue) -> AsyncIterator[int]:
        """A request whose data is there already; where its caller is cancelled, the supervisor drops all of it."""
        link = self._connected
        number = link.new_id()
        try:
            await link.say(begin, id=number, **fields)
            await link.upload(number, data)
            yield number
        except asyncio.CancelledError:
            await asyncio.shield(self._abandon(number))
            raise

    async def _abandon(self, number: int) -> None:
        # Where the sandbox is gone, so is what it was asked for.
        with suppress(SandboxUnavailable):
            await self._connected.say("abandon", id=number)

    def _on_event(self, event: Event) -> None:
        if event["op"] == "hello" and not self._hello.done():
            self._hello.set_result(event)
        elif event["op"] == "lost" and not self._hello.done():
            self._hello.set_exception(SandboxUnavailable(f"the sandbox did not start: {event['reason']}"))
        self._kernel.on_event(event)
        if self._gate and (event["op"] == "lost" or str(event["op"]).startswith("net_")):
            self._gate.on_event(event)


def _exec_result(reply: Mapping[str, Any], data: bytes, seconds: float) -> ExecResult:
    """The reply is the supervisor's own, not the model's: its form is relied on."""
    if "spawn_error" in reply:
        return ExecResult("exited", reply["code"], "", reply["spawn_error"], 0, seconds)
    texts = {"stdout": "", "stderr": ""}
    dropped = 0
    for name, (head, tail, lost) in reply["sizes"].items():
        texts[name] = _text(data[:head]) + (left_out(lost) if lost else "") + _text(data[head : head + tail])
        data = data[head + tail :]
        dropped += lost
    return ExecResult(reply["status"], reply["code"], texts["stdout"], texts["stderr"], dropped, seconds)


def _ignore(connection: int, data: bytes) -> None:
    """A sandbox without egress has no connections."""


def _text(data: bytes) -> str:
    return clean(data.decode("utf-8", "replace"))


def _raise_refusal(reply: Event, what: str) -> None:
    if "error" in reply:
        raise SandboxFileError(f"{what}: {reply['error']}")


def _int_or_none(value: object) -> int | None:
    return value if isinstance(value, int) else None
