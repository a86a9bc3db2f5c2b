"""Bombs: each ends in its named status within its time, and the next cell works."""

import ast

from ossia.sandbox import Sandbox
from ossia.testing.sandbox_conformance._case import Collector, Skipped, refusal, value, within

_case = Collector()
CASES = _case.cases

_FILL = (
    "def fill(path):\n"
    "    n = 0\n"
    "    try:\n"
    "        with open(path + '/filler', 'wb', buffering=0) as f:\n"
    "            while True: n += f.write(b'x' * 1_000_000)\n"
    "    except OSError as e:\n"
    "        return n, e.errno\n"
    "    finally:\n"
    "        import os; os.unlink(path + '/filler')\n"
)
_ENOSPC = 28


@_case(claims=("memory",))
async def a_memory_bomb_ends_as_oom(sandbox: Sandbox) -> None:
    """A kernel that takes all the memory is killed and named; a new one takes its place."""
    result = await within(30, sandbox.execute("hog = []\nwhile True: hog.append(bytearray(10_000_000))", timeout=25))
    assert result.status == "oom", result
    assert result.state_lost
    assert "memory" in result.detail


@_case(claims=("memory",))
async def a_command_that_takes_all_memory_ends_as_oom(sandbox: Sandbox) -> None:
    """The same in a command; the kernel beside it lives on."""
    await sandbox.execute("conformance = 1")
    result = await sandbox.exec(["python3", "-c", "h = []\nwhile True: h.append(bytearray(10_000_000))"], timeout=30)
    assert result.status == "oom", result
    assert await value(sandbox, "conformance") == "1"


@_case(claims=("processes",))
async def a_polite_fork_bomb_is_bounded(sandbox: Sandbox) -> None:
    """Processes stop at the limit with an error that the code can catch."""
    code = (
        "import os, signal\nchildren = []\n"
        "try:\n"
        "    while len(children) < 5000:\n"
        "        pid = os.fork()\n"
        "        if pid == 0:\n            import time; time.sleep(60); os._exit(0)\n"
        "        children.append(pid)\n"
        "except OSError as e: print(e.errno)\n"
        "for pid in children: os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)\n"
        "len(children)"
    )
    assert int(await value(sandbox, code) or 0) < 300


@_case(claims=("processes",))
async def a_fork_bomb_is_survived(sandbox: Sandbox) -> None:
    """Processes that multiply without end are all killed when the cell's time is over."""
    result = await within(
        20, sandbox.execute("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", timeout=1)
    )
    assert result.status in ("timeout", "killed"), result


@_case(claims=("processes",))
async def a_thread_bomb_is_bounded(sandbox: Sandbox) -> None:
    """Threads count as processes and stop at the limit."""
    code = (
        "import threading\nstop = threading.Event()\nstarted = []\n"
        "try:\n"
        "    while len(started) < 5000:\n"
        "        t = threading.Thread(target=stop.wait); t.start(); started.append(t)\n"
        "except RuntimeError: pass\n"
        "stop.set()\n"
        "for t in started: t.join()\n"
        "len(started)"
    )
    assert int(await value(sandbox, code) or 0) < 300


@_case(claims=("processes",))
async def descriptors_are_bounded(sandbox: Sandbox) -> None:
    """A process that opens files without end is refused more, and no other suffers."""
    code = (
        "held = []\n"
        "try:\n    while len(held) < 100_000: held.append(open('/dev/null'))\n"
        "except OSError: pass\n"
        "n = len(held)\nfor f in held: f.close()\ndel held\nn"
    )
    assert int(await value(sandbox, code) or 0) <= 4096


@_case(claims=("disk",))
async def a_full_disk_is_an_error_of_the_code(sandbox: Sandbox) -> None:
    """Each place that can be written to is bounded and ends in ENOSPC."""
    for path in (".", "/tmp", "/dev/shm"):
        found = await value(sandbox, f"{_FILL}fill({path!r})")
        assert found is not None
        size, error = map(int, found.strip("()").split(","))
        assert error == _ENOSPC
        assert size < 1 << 31


@_case(claims=("disk",))
async def files_cannot_be_put_on_a_full_disk(sandbox: Sandbox) -> None:
    """`put` into a full working directory is refused with the reason, and leaves no half of a file."""
    fill = "try:\n    while True: f.write(b'x' * 100_000)\nexcept OSError: pass"
    await sandbox.execute(f"f = open('filler', 'wb', buffering=0)\n{fill}")
    assert "space" in await refusal(sandbox.put("more", b"x" * 5_000_000))
    await sandbox.execute("import os\nf.close()\nos.unlink('filler')")
    assert [file.path for file in await sandbox.files()] == []


@_case(claims=("disk", "memory"))
async def an_inode_flood_is_survived(sandbox: Sandbox) -> None:
    """Empty files without end stop at a number of files in each place, and the sandbox lives on, with a new kernel too.

    Podman's tmpfs know no such number, so that only the memory which the files take ends the flood.
    """
    code = (
        "import os\n"
        "def flood(path):\n"
        "    n = 0\n"
        "    try:\n"
        "        while True: open(f'{path}/i{n}', 'w').close(); n += 1\n"
        "    except OSError as e:\n"
        "        return n, e.errno\n"
        "{path: os.statvfs(path).f_files < 1_000_000 and flood(path) for path in ('.', '/tmp', '/dev/shm')}"
    )
    found = ast.literal_eval(await value(sandbox, code, timeout=60) or "")
    if not any(found.values()):
        raise Skipped("the number of files is not bounded")
    for count, error in found.values():
        assert error == _ENOSPC
        assert count < 1_000_000
    await sandbox.restart()


@_case(claims=("disk",), slow=True)
async def a_zip_bomb_unpacks_into_its_limits(sandbox: Sandbox) -> None:
    """An archive that grows a thousandfold fills the sandbox's own space and nothing else."""
    code = (
        "import zipfile\n"
        "with zipfile.ZipFile('/tmp/bomb.zip', 'w', zipfile.ZIP_DEFLATED) as z:\n"
        "    with z.open('zeros', 'w', force_zip64=True) as f:\n"
        "        for _ in range(400): f.write(bytes(1_000_000))\n"
        "zipfile.ZipFile('/tmp/bomb.zip').extractall('.')"
    )
    result = await within(60, sandbox.execute(code, timeout=50))
    assert result.status in ("error", "oom"), result
    await sandbox.execute("import os\nos.unlink('zeros')\nos.unlink('/tmp/bomb.zip')")
