"""Cells in a kernel: state, outputs, errors, time-outs, restarts."""

import pytest

from ossia.sandbox import CellError, CellResult, Display, Sandbox, Stream

from .conftest import ALL

pytestmark = pytest.mark.parametrize("provider", ALL, indirect=True)


def text_of(result: CellResult) -> str:
    return "".join(output.text for output in result.outputs if isinstance(output, Stream))


async def value(sandbox: Sandbox, code: str) -> object:
    """The text/plain value of the cell's last expression."""
    result = await sandbox.execute(code)
    shown = [output.data.get("text/plain") for output in result.outputs if isinstance(output, Display)]
    assert result.status == "ok", result
    return shown[-1] if shown else None


async def test_state_is_kept_between_cells_and_the_last_expression_is_shown(sandbox: Sandbox) -> None:
    assert await value(sandbox, "x = 41") is None
    assert await value(sandbox, "x + 1") == "42"


async def test_stdout_and_stderr_are_told_apart(sandbox: Sandbox) -> None:
    result = await sandbox.execute("import sys\nprint('a')\nprint('b', file=sys.stderr)")
    assert {(o.name, o.text) for o in result.outputs if isinstance(o, Stream)} == {("stdout", "a\n"), ("stderr", "b\n")}


async def test_an_exception_is_an_error_without_colours(sandbox: Sandbox) -> None:
    result = await sandbox.execute("1/0")
    error = result.outputs[-1]
    assert result.status == "error"
    assert isinstance(error, CellError)
    assert error.name == "ZeroDivisionError"
    assert "\x1b" not in error.traceback


async def test_a_plot_comes_as_png(sandbox: Sandbox) -> None:
    result = await sandbox.execute("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", timeout=60)
    images = [output.data["image/png"] for output in result.outputs if isinstance(output, Display)]
    assert len(images) == 1
    assert isinstance(images[0], bytes)
    assert images[0].startswith(b"\x89PNG")


async def test_a_cell_that_runs_out_of_time_keeps_the_state(sandbox: Sandbox) -> None:
    await sandbox.execute("x = 1")
    result = await sandbox.execute("while True: pass", timeout=0.5)
    assert result.status == "timeout"
    assert not result.state_lost
    assert await value(sandbox, "x") == "1"


async def test_a_kernel_that_ignores_interrupts_is_killed_and_replaced(sandbox: Sandbox) -> None:
    code = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    result = await sandbox.execute(code, timeout=0.5)
    assert result.status == "killed"
    assert result.state_lost
    assert await value(sandbox, "1 + 1") == "2"


async def test_a_kernel_that_exits_says_so_and_is_replaced(sandbox: Sandbox) -> None:
    result = await sandbox.execute("import os\nos._exit(3)")
    assert result.status == "exited"
    assert "exit code 3" in result.detail
    assert await value(sandbox, "1 + 1") == "2"


async def test_restart_forgets_variables_and_keeps_files(sandbox: Sandbox) -> None:
    await sandbox.execute("x = 1\nopen('kept', 'w').write('yes')")
    await sandbox.restart()
    assert (await sandbox.execute("x")).status == "error"
    assert await value(sandbox, "open('kept').read()") == "'yes'"


async def test_output_beyond_the_cap_keeps_head_and_tail(sandbox: Sandbox) -> None:
    result = await sandbox.execute("print('head')\nprint('x' * 20_000_000)\nprint('tail')")
    text = text_of(result)
    assert result.status == "ok"
    assert text.startswith("head\n")
    assert text.endswith("tail\n")
    assert 15_000_000 < result.dropped_bytes < 20_000_000
    assert len(text) < 4.1e6
    assert "bytes of output left out" in text
