"""The command in a terminal of its own."""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.cli.conftest import COMMAND

STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")


class Terminal:
    """`ossia` with a pseudo-terminal for stdin, stdout and stderr; `text` is what it has shown, without styles."""

    def __init__(self, arguments: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> None:
        self._controller, terminal = pty.openpty()
        self._process = subprocess.Popen(
            [COMMAND, *map(str, arguments)],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=folder,
            start_new_session=True,
            preexec_fn=_own_terminal,
            env={**os.environ, "OSSIA_RUNS": str(folder / "runs"), "TERM": "xterm-256color", **environment},
        )
        os.close(terminal)
        self._shown = b""
        self._from = 0

    @property
    def raw(self) -> str:
        return self._shown.decode(errors="replace")

    @property
    def text(self) -> str:
        return STYLE.sub("", self.raw).replace("\r\n", "\n")

    def wait_for(self, text: str, seconds: float = 60.0) -> None:
        """Until `text` was shown after what was waited for before."""
        deadline = time.monotonic() + seconds
        while (found := self.text.find(text, self._from)) < 0:
            assert time.monotonic() < deadline, f"{text!r} is not in {self.text[self._from :]!r}"
            assert self._read(0.5), f"it ended without {text!r}: {self.text[self._from :]!r}"
        self._from = found + len(text)

    def enter(self, text: str) -> None:
        os.write(self._controller, text.encode())

    def end(self, seconds: float = 60.0) -> int:
        """Its exit code, once it has ended."""
        deadline = time.monotonic() + seconds
        while self._read(0.5):
            assert time.monotonic() < deadline, f"it goes on: {self.text!r}"
        return self._process.wait(10)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._controller)

    def _read(self, seconds: float) -> bool:
        """Take what it shows; False once it is gone."""
        if not select.select([self._controller], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self._controller, 65536)
        except OSError:  # EIO: nobody has the other end open any more
            return False
        self._shown += piece
        return bool(piece)


def _own_terminal() -> None:
    """Make stdin the terminal that the session belongs to, so that Ctrl-C is a signal, and one that is not ignored.

    What a shell starts in the background ignores it, and so does all that this starts.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
