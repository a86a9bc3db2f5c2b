"""Calls of functions that fail, hang, block or are cancelled."""

import asyncio
import contextvars
import threading
import time

import pytest

from ossia.errors import SandboxUnavailable
from ossia.tools.functions import ToolError, tool
from ossia.tools.protocol import ToolContext, ToolResult
from tests.tools.calling import call


async def test_a_tool_error_is_shown_to_the_model() -> None:
    @tool
    def rate(base: str) -> float:
        raise ToolError(f"There is no currency {base!r}; there are EUR and USD.")

    @tool
    async def silent() -> float:
        raise ToolError

    result = await call(rate, {"base": "X"})
    assert result == ToolResult(
        "There is no currency 'X'; there are EUR and USD.", error=True, details={"status": "tool_error"}
    )
    assert (await call(silent)).text == "functions.silent failed."


async def test_any_other_exception_is_a_bug_with_a_traceback_for_the_journal() -> None:
    def inner(x: int) -> float:
        return 1 / x

    @tool
    def sync_bug(x: int) -> float:
        return inner(x)

    @tool
    async def async_bug(x: int) -> float:
        return inner(x)

    for made in (sync_bug, async_bug):
        result = await call(made, {"x": 0})
        name = made.options.name
        assert result.error
        assert result.text == (
            f"functions.{name} failed with an error of its own, which is no fault of this call: "
            "ZeroDivisionError: division by zero"
        )
        assert result.details["bug"] is True
        trace = str(result.details["traceback"])
        assert trace.startswith("Traceback (most recent call last):\n")
        assert "in inner\n" in trace
        assert "ossia/tools" not in trace.replace(__file__, "")


@pytest.mark.parametrize("error", [SystemExit(3), StopIteration(), asyncio.CancelledError(), TimeoutError("own")])
@pytest.mark.parametrize("sync", [True, False])
async def test_no_exception_of_a_function_ends_the_loop(error: BaseException, sync: bool) -> None:
    @tool
    def in_thread() -> None:
        raise error

    @tool
    async def on_loop() -> None:
        raise error

    result = await call(in_thread if sync else on_loop)
    assert result.error
    assert result.details["bug"] is True


async def test_a_long_message_is_cut() -> None:
    @tool
    def f() -> None:
        raise ValueError("x" * 1_000 + "\nsecond line")

    text = (await call(f)).text
    assert len(text) < 420
    assert "second" not in text


@pytest.mark.parametrize("sync", [True, False])
async def test_what_failed_on_our_side_passes_through(sync: bool) -> None:
    @tool
    def in_thread() -> None:
        raise SandboxUnavailable("gone")

    @tool
    async def on_loop(context: ToolContext) -> None:
        await context.sandbox()

    with pytest.raises(SandboxUnavailable):
        await call(in_thread if sync else on_loop)


@pytest.mark.parametrize("sync", [True, False])
async def test_a_call_that_takes_too_long_is_stopped(sync: bool) -> None:
    release = threading.Event()

    @tool(timeout=0.05)
    def in_thread() -> None:
        release.wait(5)

    @tool(timeout=0.05)
    async def on_loop() -> None:
        await asyncio.sleep(5)

    started = time.monotonic()
    result = await call(in_thread if sync else on_loop)
    release.set()
    assert time.monotonic() - started < 3
    assert result.error
    assert result.text.endswith("was stopped: it did not answer within 0.05 s.")
    assert result.details == {"status": "timeout"}


async def test_a_time_out_inside_the_function_is_its_own() -> None:
    @tool(timeout=5)
    async def f() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(5)

    assert (await call(f)).details["status"] == "bug"


@pytest.mark.parametrize("sync", [True, False])
async def test_cancelling_passes_through(sync: bool) -> None:
    release, began, ended = threading.Event(), threading.Event(), []

    @tool
    def in_thread() -> None:
        began.set()
        release.wait(5)

    @tool
    async def on_loop() -> None:
        began.set()
        try:
            await asyncio.sleep(5)
        finally:
            ended.append(True)

    task = asyncio.create_task(call(in_thread if sync else on_loop))
    await asyncio.to_thread(began.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    assert ended == ([] if sync else [True])


async def test_an_outer_time_out_passes_through() -> None:
    @tool
    async def f() -> None:
        await asyncio.sleep(5)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await call(f)


async def test_functions_that_block_run_beside_the_loop_and_one_another() -> None:
    barrier = threading.Barrier(20)  # more than asyncio's own pool has threads for on a small machine

    @tool
    def meet() -> str:
        barrier.wait(5)
        return threading.current_thread().name

    results = await asyncio.gather(*(call(meet) for _ in range(20)))
    assert {r.text for r in results} == {"ossia-function"}


async def test_context_variables_are_seen_in_threads() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")

    @tool
    def f() -> str:
        return variable.get()

    variable.set("seen")
    assert (await call(f)).text == "seen"


async def test_a_plain_function_that_returns_an_awaitable_is_awaited() -> None:
    async def later() -> str:
        await asyncio.sleep(0)
        return "later"

    @tool
    def f() -> object:
        return later()

    assert (await call(f)).text == "later"


def test_a_function_that_hangs_does_not_keep_the_process(tmp_path: object) -> None:
    import subprocess
    import sys

    code = (
        "import asyncio, time\n"
        "from ossia.tools.functions import tool\n"
        "from ossia.tools.protocol import ToolContext\n"
        "@tool(timeout=0.05)\n"
        "def hang() -> None:\n"
        "    time.sleep(60)\n"
        "async def main() -> None:\n"
        "    async with hang.open(ToolContext('s', None)) as opened:\n"
        "        print((await opened.call('functions.hang', '{}')).details)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{'status': 'timeout'}\n", "")
