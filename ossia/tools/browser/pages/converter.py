"""Converts documents to pages in processes that can be killed."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from ossia.errors import InfrastructureError
from ossia.sandbox.processes import started
from ossia.tools.browser.pages.protocol import Converted

_ANSWER_LIMIT = 256 << 20

_BOOT = """
import sys, types
for name, folder in zip(sys.argv[2::2], sys.argv[3::2]):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from ossia.tools.browser.pages._worker import main
main()
"""
"""Starts a worker with its parent packages empty: what they import (the HTTP client, Playwright, ...) takes a second or
more to load, and a process that parses what strangers wrote has no use for it."""


class ConversionError(Exception):
    """A document that cannot be shown; its text is for the model."""


class Converter:
    """A few worker processes, each started when first needed and killed when a page takes too long.

    `timeout`: seconds a document may take; `memory`: bytes of address space of a worker; `workers`: how many at once.
    """

    def __init__(self, *, workers: int = 2, timeout: float = 20.0, memory: int = 2 << 30) -> None:
        self._timeout = timeout
        self._memory = memory
        self._free = asyncio.Semaphore(workers)
        self._idle: list[Process] = []
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        while self._idle:
            await _kill(self._idle.pop())

    async def convert(
        self, body: bytes, url: str, media_type: str, charset: str | None = None
    ) -> tuple[Converted, str | None]:
        """The page that `body` makes, and its source where it is text.

        Raises `ConversionError` when it cannot be read, takes too long, or too much memory.
        """
        async with self._free:
            worker = self._idle.pop() if self._idle else await self._start()
            done = False
            try:
                async with asyncio.timeout(self._timeout):
                    answer = await self._ask(worker, body, url, media_type, charset)
                done = True
            except TimeoutError as error:
                raise ConversionError(f"the page takes more than {self._timeout:g} s to lay out") from error
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
                raise ConversionError("the page could not be laid out: its converter crashed") from error
            finally:
                # An answer that was not read to its end would be taken for that of the next page.
                if done and not self._closed:
                    self._idle.append(worker)
                else:
                    await _kill(worker)
        if "error" in answer:
            raise ConversionError(str(answer["error"]))
        return _page(answer)

    async def _start(self) -> Process:
        command = (sys.executable, "-I", "-c", _BOOT, str(self._memory), *_parents())
        starting = asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=_ANSWER_LIMIT
        )
        try:
            return await started(starting, _kill)
        except OSError as error:
            raise InfrastructureError(f"The page converter cannot be started: {error}") from error

    async def _ask(
        self, worker: Process, body: bytes, url: str, media_type: str, charset: str | None
    ) -> Mapping[str, object]:
        assert worker.stdin is not None
        assert worker.stdout is not None
        request = {"url": url, "media_type": media_type, "charset": charset or "", "size": str(len(body))}
        worker.stdin.write(json.dumps(request).encode() + b"\n")
        worker.stdin.write(body)
        await worker.stdin.drain()
        line = await worker.stdout.readuntil(b"\n")
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("not an answer")
        return answer


def _parents() -> list[str]:
    """Names and folders of the packages above the worker, in turn."""
    names = __name__.split(".")[:-1]
    packages = [".".join(names[: count + 1]) for count in range(len(names))]
    folders = [str(Path(__file__).parents[len(names) - 1 - count]) for count in range(len(names))]
    return [word for pair in zip(packages, folders, strict=True) for word in pair]


def _page(answer: Mapping[str, object]) -> tuple[Converted, str | None]:
    page = cast(dict[str, object], answer["page"])
    source = answer["source"]
    note = page["note"]
    return Converted(
        title=str(page["title"]),
        text=str(page["text"]),
        links=tuple(map(str, cast(list[object], page["links"]))),
        anchors={str(name): int(str(at)) for name, at in cast(dict[str, object], page["anchors"]).items()},
        needs_script=bool(page["needs_script"]),
        note=None if note is None else str(note),
    ), None if source is None else str(source)


async def _kill(worker: Process) -> None:
    if worker.returncode is None:
        worker.kill()
    await worker.wait()
    if worker.stdin is not None:
        worker.stdin.close()
