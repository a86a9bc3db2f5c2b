"""Output without end, by every way that there is: bounded, drained, and the cell still ends."""

from ossia.sandbox import Sandbox
from ossia.testing.sandbox_conformance._case import Collector, text_of, value, within

_case = Collector()
CASES = _case.cases

_MOST = 9_000_000
"""Characters that may come back of one cell: the default cap, and some."""


@_case(shared=True)
async def endless_prints_end_with_the_time(sandbox: Sandbox) -> None:
    """A loop that prints for ever runs until its time is over; head and tail of the output are kept."""
    code = "n = 0\nwhile True:\n    print(n, 'x' * 1000)\n    n += 1"
    result = await within(25, sandbox.execute(code, timeout=3))
    text = text_of(result)
    assert result.status == "timeout", result.status
    assert text.startswith("0 x")
    assert len(text) < _MOST


@_case(shared=True)
async def endless_flushes_leave_the_kernel_and_its_variables(sandbox: Sandbox) -> None:
    """Threads that print and flush for ever, into two streams, are interrupted: no message waits for itself."""
    code = (
        "import sys, threading\nkept, stop = 'kept', False\n"
        "def work():\n"
        "    while not stop: print('x' * 3000, flush=True)\n"
        "threads = [threading.Thread(target=work) for _ in range(8)]\n"
        "for t in threads: t.start()\n"
        "try:\n"
        "    while True: print('y' * 3_000_000, file=sys.stderr, flush=True)\n"
        "finally:\n"
        "    stop = True\n"
        "    for t in threads: t.join()"
    )
    result = await within(25, sandbox.execute(code, timeout=1))
    assert result.status == "timeout", result.status
    assert len(text_of(result)) < _MOST
    assert await value(sandbox, "kept") == "'kept'"


@_case(shared=True)
async def one_huge_print_is_cut(sandbox: Sandbox) -> None:
    """A single text of 50 MB keeps its beginning and its end."""
    result = await within(60, sandbox.execute("print('a' + 'x' * 50_000_000 + 'z')", timeout=50))
    text = text_of(result)
    assert result.status == "ok", result.status
    assert text.startswith("ax")
    assert text.endswith("xz\n")
    assert len(text) < _MOST
    assert result.dropped_bytes > 40_000_000


@_case(claims=("memory",), shared=True)
async def what_was_printed_is_not_kept(sandbox: Sandbox) -> None:
    """Printing much, again and again, neither loses the end of a cell nor fills the kernel's memory."""
    for _ in range(3):
        await sandbox.execute("print('x' * 30_000_000)", timeout=20)
    before = (await sandbox.stats()).memory or 0
    for _ in range(6):
        result = await sandbox.execute("print('x' * 30_000_000)", timeout=20)
        assert result.status == "ok", result.status
    assert ((await sandbox.stats()).memory or 0) - before < 60_000_000


@_case(shared=True)
async def a_huge_value_is_cut(sandbox: Sandbox) -> None:
    """The last expression's text is bounded too."""
    result = await within(60, sandbox.execute("'x' * 30_000_000", timeout=50))
    assert result.status == "ok", result.status
    assert sum(len(str(output)) for output in result.outputs) < _MOST


@_case(shared=True)
async def a_flood_of_displays_is_bounded(sandbox: Sandbox) -> None:
    """Displays count like text."""
    code = "from IPython.display import display\nfor n in range(400): display({'text/plain': 'x' * 100_000}, raw=True)"
    result = await within(60, sandbox.execute(code, timeout=50))
    assert result.status == "ok", result.status
    assert result.dropped_bytes > 20_000_000


@_case(shared=True)
async def a_child_that_floods_is_interrupted(sandbox: Sandbox) -> None:
    """`yes` in a child process of the cell ends when the cell's time is over."""
    result = await within(25, sandbox.execute("import os\nos.system('yes')", timeout=1))
    assert result.status in ("timeout", "killed"), result.status
    assert len(text_of(result)) < _MOST


@_case(shared=True)
async def a_flood_on_stderr_is_bounded(sandbox: Sandbox) -> None:
    """stderr counts like stdout."""
    result = await within(
        60, sandbox.execute("import sys\nfor _ in range(200): sys.stderr.write('x' * 100_000)", timeout=50)
    )
    assert result.status == "ok", result.status
    assert result.dropped_bytes > 10_000_000


@_case(shared=True)
async def a_command_that_floods_is_killed_after_its_time(sandbox: Sandbox) -> None:
    """`yes` as a command."""
    result = await sandbox.exec(["yes"], timeout=1)
    assert result.status == "timeout"
    assert len(result.stdout) < _MOST
    assert result.stdout.startswith("y\ny\n")
