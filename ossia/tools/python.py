"""The `python` tool: a stateful notebook, as gpt-oss was trained to see it."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ossia.errors import UserError
from ossia.sandbox.protocol import CellError, CellOutput, CellResult, Display, SandboxNeeds, Stream
from ossia.tools.protocol import Image, ToolContext, ToolResult
from ossia.types import ToolNamespace

_DESCRIPTION = """\
Use this tool to execute Python code in your chain of thought. The code will not be shown to the user. This tool \
should be used for internal reasoning, but not for code that is intended to be visible to the user (e.g. when \
creating plots, tables, or files).

When you send a message containing Python code to python, it will be executed in a stateful Jupyter notebook \
environment. python will respond with the output of the execution or time out after {timeout:.1f} seconds. The drive \
at '/mnt/data' can be used to save and persist user files. Internet access for this session is UNKNOWN. Depends on the \
cluster."""
# The text of harmony's `ToolNamespaceConfig.python()` to the letter: it is what the model was trained on, so the odd
# sentence about the internet stays. A test holds it equal.

_NO_OUTPUT = "[WARN] No output available. Use print() to output anything to stdout to receive the output"
# What the reference tool answers to a cell without output (openai/gpt-oss, docker_tool.py).

_LOST = "The notebook was restarted: all variables are lost, files in /mnt/data are kept."

_FENCE = re.compile(r"\A\s*```(?:python|py)?[ \t]*\n(.*?)\n?```\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Python:
    """The stateful Python notebook that gpt-oss was trained with."""

    timeout: float = 120.0
    """Seconds a cell may take before it is interrupted; the model is told this number."""
    max_chars: int = 50_000
    """Most characters of one result that the model sees: head and tail are kept, the middle is left out."""

    def __post_init__(self) -> None:
        if self.timeout <= 0:
            raise UserError(f"Python(timeout={self.timeout}): give the seconds that a cell may take, more than 0.")
        if self.max_chars < 200:
            raise UserError(f"Python(max_chars={self.max_chars}): a result needs at least 200 characters.")

    @property
    def namespace(self) -> ToolNamespace:
        return ToolNamespace("python", _DESCRIPTION.format(timeout=self.timeout))

    @property
    def needs(self) -> SandboxNeeds:
        return SandboxNeeds(kernel=True)

    @asynccontextmanager
    async def open(self, context: ToolContext) -> AsyncIterator["OpenPython"]:
        yield OpenPython(self, context)


@dataclass(slots=True)
class OpenPython:
    """The notebook of one session."""

    config: Python
    context: ToolContext
    _images: int = 0

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        """Run `arguments`, a cell's code, in the session's kernel."""
        sandbox = await self.context.sandbox()
        result = await sandbox.execute(source(arguments), timeout=self.config.timeout)
        images = tuple(image for output in result.outputs for image in _images(output))
        text = self._text(result)
        return ToolResult(
            text=text,
            error=result.status != "ok",
            images=images,
            details={"status": result.status, "seconds": round(result.seconds, 4), "dropped": result.dropped_bytes},
        )

    def _text(self, result: CellResult) -> str:
        text = "".join(self._output(output) for output in result.outputs)
        if note := _note(result, self.config.timeout):
            text = _line(text) + note
        return shorten(text, self.config.max_chars) if text else _NO_OUTPUT

    def _output(self, output: CellOutput) -> str:
        match output:
            case Stream():
                return output.text
            case CellError():
                return _line(output.traceback)
            case Display():
                return self._display(output)

    def _display(self, display: Display) -> str:
        text = str(display.data.get("text/plain", ""))
        for image in _images(display):
            self._images += 1
            text = _line(text) + f"[image {self._images}: {image.mime}, {len(image.data):,} bytes]\n"
        return text if text.endswith("\n") or display.result else _line(text)


def source(arguments: str) -> str:
    """The code of a call: as written, out of a Markdown fence, or out of `{"code": "..."}`."""
    if match := _FENCE.match(arguments):
        return match.group(1)
    if arguments.lstrip().startswith("{"):
        try:
            value = json.loads(arguments)
        except ValueError:
            return arguments
        if isinstance(value, dict) and set(value) == {"code"} and isinstance(value["code"], str):
            return value["code"]
    return arguments


def shorten(text: str, limit: int) -> str:
    """`text` within `limit` characters and a note: its head and its tail, with what was left out between them."""
    if len(text) <= limit:
        return text
    head, tail = text[: limit // 2], text[-(limit - limit // 2) :]
    return f"{head}\n[... {len(text) - limit:,} characters left out ...]\n{tail}"


def _images(output: CellOutput) -> list[Image]:
    if not isinstance(output, Display):
        return []
    return [Image(mime, data) for mime, data in output.data.items() if isinstance(data, bytes)]


def _note(result: CellResult, timeout: float) -> str:
    detail = f" ({result.detail})" if result.detail else ""
    match result.status:
        case "timeout":
            return f"[The cell was interrupted after {timeout:g} s. Variables are kept.]\n"
        case "killed":
            return f"[The cell did not stop after {timeout:g} s and was killed{detail}. {_LOST}]\n"
        case "oom":
            return f"[The notebook ran out of memory and was killed{detail}. {_LOST}]\n"
        case "exited":
            return f"[The notebook's process ended{detail}. {_LOST}]\n"
        case _:
            return ""


def _line(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"
