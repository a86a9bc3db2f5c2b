"""Commands: processes of their own."""

import asyncio
import secrets
import sys
import time

from ossia.sandbox import Sandbox
from ossia.testing.sandbox_conformance._case import Collector

_case = Collector()
CASES = _case.cases


def _duration() -> str:
    """Seconds for `sleep`, about half a minute, that no other process has on its command line."""
    return f"32.{secrets.randbelow(10**12):012d}"


async def _alive(sandbox: Sandbox, duration: str) -> int:
    """How many processes have this on their command line; the pattern does not match the counting one's own."""
    script = f"grep -l -a '[3]2[.]{duration[3:]}' /proc/[0-9]*/cmdline 2>/dev/null | wc -l"
    return int((await sandbox.exec(["sh", "-c", script])).stdout)


@_case(shared=True)
async def code_and_streams_come_back(sandbox: Sandbox) -> None:
    """Exit code, stdout and stderr are told apart."""
    result = await sandbox.exec(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (result.status, result.code, result.stdout, result.stderr) == ("exited", 3, "out\n", "err\n")


@_case(shared=True)
async def streams_can_be_merged(sandbox: Sandbox) -> None:
    """With `merge_stderr` both come in the order in which they were written."""
    result = await sandbox.exec(["sh", "-c", "echo 1; echo 2 >&2; echo 3"], merge_stderr=True)
    assert result.stdout == "1\n2\n3\n"


@_case(shared=True)
async def input_environment_and_folder_are_passed(sandbox: Sandbox) -> None:
    """stdin of any size, variables and the folder reach the command."""
    data = bytes(range(256)) * 8192
    result = await sandbox.exec(["sh", "-c", "wc -c; echo $A; pwd"], stdin=data, env={"A": "b"}, cwd="/tmp")
    assert result.stdout.split() == [str(len(data)), "b", "/tmp"]


@_case(shared=True)
async def a_command_that_cannot_start_has_a_code(sandbox: Sandbox) -> None:
    """No such program is 127, a file that cannot be executed 126, as in a shell."""
    assert (await sandbox.exec(["no-such-program"])).code == 127
    await sandbox.put("plain", b"text")
    assert (await sandbox.exec(["./plain"])).code == 126


@_case(shared=True)
async def bytes_that_are_no_text_are_replaced(sandbox: Sandbox) -> None:
    """Output that is not UTF-8 never fails."""
    result = await sandbox.exec(["printf", r"a\377b"])
    assert result.stdout == "a\ufffdb"


@_case(shared=True)
async def a_command_that_times_out_dies_with_its_children(sandbox: Sandbox) -> None:
    """After its time a command and everything that it started are killed."""
    begun = time.monotonic()
    duration = _duration()
    script = f"sleep {duration} & setsid sleep {duration} & sleep {duration}"
    result = await sandbox.exec(["sh", "-c", script], timeout=0.5)
    assert result.status == "timeout", result
    assert time.monotonic() - begun < 5
    assert await _alive(sandbox, duration) == 0


@_case(shared=True)
async def a_cancelled_command_dies(sandbox: Sandbox) -> None:
    """Whoever waits for a command may be cancelled; it is killed."""
    duration = _duration()
    command = asyncio.create_task(sandbox.exec(["sleep", duration], timeout=60))
    for _ in range(100):
        if await _alive(sandbox, duration):
            break
    command.cancel()
    await asyncio.wait([command])
    assert command.cancelled()
    for _ in range(20):
        if not await _alive(sandbox, duration):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the command still runs")


@_case(shared=True)
async def a_background_process_does_not_hold_the_command(sandbox: Sandbox) -> None:
    """A command ends when its process ends, whatever it left behind holds its output open."""
    begun = time.monotonic()
    result = await sandbox.exec(["sh", "-c", "sleep 33.25 & echo started"])
    assert result.stdout == "started\n"
    assert time.monotonic() - begun < 5


@_case(shared=True)
async def command_output_beyond_the_cap_keeps_head_and_tail(sandbox: Sandbox) -> None:
    """A flood on stdout is cut in its middle and counted."""
    script = "import sys\nprint('head')\nfor _ in range(200): print('x' * 100_000)\nprint('tail')"
    result = await sandbox.exec(["python3", "-c", script], merge_stderr=True)
    assert result.stdout.startswith("head\n")
    assert result.stdout.endswith("tail\n")
    assert result.dropped_bytes > 10_000_000
    assert sys.getsizeof(result.stdout) < 5_000_000


@_case(shared=True)
async def commands_run_beside_a_cell(sandbox: Sandbox) -> None:
    """A command does not wait for the cell under way, nor the cell for it."""
    cell = asyncio.create_task(sandbox.execute("import time\ntime.sleep(1)\n'slept'"))
    result = await sandbox.exec(["echo", "hello"])
    assert result.stdout == "hello\n"
    assert not cell.done()
    assert (await cell).status == "ok"
