"""Cells: state, outputs, errors, time-outs, interrupts, restarts."""

import asyncio
import time

from ossia.sandbox import CellError, Display, Sandbox
from ossia.testing.sandbox_conformance._case import Collector, printed, text_of, value

_case = Collector()
CASES = _case.cases

REGEX = "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')"
"""Backtracks for hours, in C and with the interpreter lock held."""


@_case(shared=True)
async def state_is_kept(sandbox: Sandbox) -> None:
    """Variables of one cell are there in the next, and the last expression is shown."""
    assert await value(sandbox, "conformance = 41") is None
    assert await value(sandbox, "conformance + 1") == "42"


@_case(shared=True)
async def text_is_unicode(sandbox: Sandbox) -> None:
    """Any text comes through; what UTF-8 cannot hold is replaced."""
    assert await printed(sandbox, "print('größer 日本 🎈')") == "größer 日本 🎈\n"
    assert "\\ud800" not in await printed(sandbox, "print('\\ud800x')")


@_case(shared=True)
async def an_exception_is_an_error(sandbox: Sandbox) -> None:
    """An exception ends the cell with status error and a traceback without colours."""
    result = await sandbox.execute("def f():\n    return 1 / 0\nf()")
    error = result.outputs[-1]
    assert result.status == "error"
    assert isinstance(error, CellError)
    assert error.name == "ZeroDivisionError"
    assert "return 1 / 0" in error.traceback
    assert "\x1b" not in error.traceback


@_case(shared=True)
async def a_syntax_error_is_an_error(sandbox: Sandbox) -> None:
    """Code that does not parse is the model's error."""
    result = await sandbox.execute("def f(:")
    assert result.status == "error"
    assert isinstance(result.outputs[-1], CellError)


@_case(shared=True)
async def exit_is_caught(sandbox: Sandbox) -> None:
    """`sys.exit` does not end the kernel."""
    await sandbox.execute("conformance = 7\nimport sys\nsys.exit(1)")
    assert await value(sandbox, "conformance") == "7"


@_case(shared=True)
async def input_is_refused(sandbox: Sandbox) -> None:
    """A cell that asks for input fails at once: nobody would answer."""
    result = await sandbox.execute("input('?')", timeout=20)
    assert result.status == "error"


@_case(shared=True)
async def images_are_kept_and_markup_is_not(sandbox: Sandbox) -> None:
    """PNG and plain text come through; HTML and JavaScript do not."""
    code = (
        "from IPython.display import HTML, Image, Javascript, display\n"
        "import base64\n"
        "display(HTML('<script>1</script>'), Javascript('1'))\n"
        "display(Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + b'0' * 16, format='png'))"
    )
    result = await sandbox.execute(code)
    kinds = {kind for output in result.outputs if isinstance(output, Display) for kind in output.data}
    assert result.status == "ok", result
    assert kinds == {"text/plain", "image/png"}


@_case(shared=True)
async def terminal_escapes_are_removed(sandbox: Sandbox) -> None:
    """What a terminal would obey is taken out of the text."""
    assert await printed(sandbox, r"print('a\x1b[2Jb\x1b]0;title\x07c')") == "abc\n"


@_case(shared=True)
async def a_time_out_keeps_the_state(sandbox: Sandbox) -> None:
    """A cell that runs out of its time is interrupted; variables stay."""
    await sandbox.execute("conformance = 5")
    for code in ("while True: pass", "import time\ntime.sleep(60)"):
        result = await sandbox.execute(code, timeout=0.5)
        assert result.status == "timeout", result
        assert not result.state_lost
    assert await value(sandbox, "conformance") == "5"


@_case(shared=True)
async def a_regex_that_holds_the_lock_is_interrupted(sandbox: Sandbox) -> None:
    """Code in C that never lets go of the interpreter lock is interrupted all the same."""
    begun = time.monotonic()
    result = await sandbox.execute(REGEX, timeout=0.5)
    assert result.status == "timeout", result
    assert time.monotonic() - begun < 5


@_case(shared=True)
async def an_interrupt_from_outside_ends_the_cell(sandbox: Sandbox) -> None:
    """`interrupt` ends the cell under way with a KeyboardInterrupt."""
    await sandbox.execute("import time")
    cell = asyncio.create_task(sandbox.execute("time.sleep(60)", timeout=30))
    await asyncio.sleep(0.5)
    await sandbox.interrupt()
    result = await cell
    assert result.status == "error", result
    assert isinstance(result.outputs[-1], CellError)
    assert result.outputs[-1].name == "KeyboardInterrupt"


@_case(shared=True)
async def an_interrupt_that_takes_the_reply_ends_the_cell(sandbox: Sandbox) -> None:
    """An interrupt that comes when the code has ended and its reply is not yet sent ends the cell and keeps the state.

    A kernel is there for half a millisecond; it is made to stay for longer.
    """
    await sandbox.execute("kept, k = 'kept', get_ipython().kernel\nusual, k._execute_sleep = k._execute_sleep, 0.7")
    try:
        cell = asyncio.create_task(sandbox.execute("1"))
        await asyncio.sleep(0.3)
        await sandbox.interrupt()
        assert (await asyncio.wait_for(cell, 5)).status in ("error", "ok")
        assert (await asyncio.wait_for(sandbox.execute("1", timeout=0.3), 5)).status == "timeout"
    finally:
        await sandbox.execute("k._execute_sleep = usual")
    assert await value(sandbox, "kept") == "'kept'"


@_case(shared=True)
async def a_cancelled_cell_leaves_the_sandbox_usable(sandbox: Sandbox) -> None:
    """Whoever waits for a cell may be cancelled; the cell is interrupted and the next one runs."""
    cell = asyncio.create_task(sandbox.execute("while True: pass", timeout=60))
    await asyncio.sleep(0.3)
    cell.cancel()
    await asyncio.wait([cell])
    assert cell.cancelled()
    assert await value(sandbox, "1 + 1") == "2"


@_case(shared=True)
async def cells_wait_for_one_another(sandbox: Sandbox) -> None:
    """Cells that are sent at once run one after the other, each with its own outputs."""
    results = await asyncio.gather(*(sandbox.execute(f"print({n})") for n in range(5)))
    assert [text_of(result) for result in results] == [f"{n}\n" for n in range(5)]


@_case()
async def a_stubborn_kernel_is_killed(sandbox: Sandbox) -> None:
    """A cell that ignores the interrupt is killed, the state is lost, and the result says so."""
    code = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    result = await sandbox.execute(code, timeout=0.3)
    assert result.status == "killed", result
    assert result.state_lost


@_case()
async def a_kernel_that_ends_is_reported_and_replaced(sandbox: Sandbox) -> None:
    """The exit code of a kernel that ended by itself is told."""
    result = await sandbox.execute("import os\nos._exit(3)")
    assert result.status == "exited", result
    assert "3" in result.detail


@_case()
async def a_restart_forgets_variables_and_keeps_files(sandbox: Sandbox) -> None:
    """`restart` gives a new kernel in the same working directory."""
    await sandbox.execute("conformance = 1\nopen('kept', 'w').write('yes')")
    await sandbox.restart()
    assert (await sandbox.execute("conformance")).status == "error"
    assert await value(sandbox, "open('kept').read()") == "'yes'"


@_case()
async def a_restart_ends_the_cell_under_way(sandbox: Sandbox) -> None:
    """A cell that runs while the kernel is restarted ends as killed."""
    await sandbox.execute("1")
    cell = asyncio.create_task(sandbox.execute("while True: pass", timeout=60))
    await asyncio.sleep(0.3)
    await sandbox.restart()
    assert (await cell).status == "killed"
