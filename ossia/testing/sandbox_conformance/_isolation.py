"""What code must not reach from inside a sandbox that claims to isolate it."""

import json
import os

from ossia.sandbox import Sandbox
from ossia.testing.sandbox_conformance._case import Collector, printed, value

_case = Collector()
CASES = _case.cases

_COMMON = ("PATH", "LANG", "HOME", "MPLBACKEND")
"""Variables that may have the same value on both sides by coincidence."""


@_case(claims=("isolated_files",), shared=True)
async def the_root_file_system_is_read_only(sandbox: Sandbox) -> None:
    """Nothing outside the working directory and the temporary folders can be written."""
    code = (
        "import os\n"
        "def can(path):\n"
        "    try:\n        open(path, 'w').close(); os.unlink(path); return True\n"
        "    except OSError:\n        return False\n"
        "[p for p in ('/', '/etc', '/usr', '/opt', '/var', '/home', '/root', '/dev', '/sys', '/proc', '/run')"
        " if can(p + '/ossia-probe')]"
    )
    assert await value(sandbox, code) == "[]"


@_case(claims=("isolated_files",), shared=True)
async def the_host_is_not_there(sandbox: Sandbox) -> None:
    """No variable of the host, no daemon socket, no process but the sandbox's own."""
    assert int(await value(sandbox, "import os\nsum(map(str.isdigit, os.listdir('/proc')))") or 99) < 20
    ours = {name: text for name, text in os.environ.items() if len(text) > 8 and name not in _COMMON}
    theirs = json.loads(await printed(sandbox, "import json\nprint(json.dumps(dict(os.environ)))"))
    assert not [name for name, text in ours.items() if theirs.get(name) == text]
    sockets = "[p for p in ('/var/run/docker.sock', '/run/docker.sock', '/run/podman') if os.path.exists(p)]"
    assert await value(sandbox, sockets) == "[]"


@_case(claims=("no_network",), shared=True)
async def there_is_no_network(sandbox: Sandbox) -> None:
    """Only the loopback; metadata service, gateway, internet and name resolution all fail at once."""
    code = (
        "import socket\n"
        "def reach(host, port):\n"
        "    try:\n        socket.create_connection((host, port), timeout=3).close(); return True\n"
        "    except OSError:\n        return False\n"
        "hosts = [('169.254.169.254', 80), ('172.17.0.1', 22), ('1.1.1.1', 53), ('example.com', 80), ('::1', 2375)]\n"
        "[h for h in hosts if reach(*h)]"
    )
    assert await value(sandbox, code) == "[]"
    assert await value(sandbox, "[name for _, name in socket.if_nameindex()]") == "['lo']"


@_case(claims=("no_privileges",), shared=True)
async def there_are_no_privileges(sandbox: Sandbox) -> None:
    """Not root, no capability, none to be gained; mounting and new namespaces are refused."""
    status = await printed(sandbox, "import os\nprint(os.getuid(), open('/proc/self/status').read())")
    assert not status.startswith("0 ")
    for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"):
        assert line in status
    code = (
        "import ctypes\nc = ctypes.CDLL(None, use_errno=True)\n"
        "[c.unshare(0x10000000), c.mount(b'none', b'/tmp', b'tmpfs', 0, None), c.setuid(0), c.sethostname(b'x', 1)]"
    )
    assert await value(sandbox, code) == "[-1, -1, -1, -1]"


@_case(claims=("syscall_filter",), shared=True)
async def system_calls_are_filtered(sandbox: Sandbox) -> None:
    """io_uring, keyrings, bpf, perf, userfaultfd, System V IPC and foreign socket families are closed."""
    code = (
        "import ctypes, os, socket\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "numbers = {'x86_64': (425, 250, 321, 298, 323, 29, 68, 278, 310, 101, 308, 272, 135),"
        " 'aarch64': (425, 219, 280, 241, 282, 194, 186, 75, 270, 117, 268, 97, 92)}[os.uname().machine]\n"
        "def closed(n):\n"
        "    ctypes.set_errno(0)\n    libc.syscall(n, -1, 0, 0, 0)\n    return ctypes.get_errno() in (1, 38)\n"
        "def opens(family):\n"
        "    try:\n        socket.socket(family, socket.SOCK_STREAM, 0).close(); return True\n"
        "    except OSError as e:\n        return e.errno not in (1, 97, 94)\n"
        "([n for n in numbers if not closed(n)], [f for f in (40, 38, 17, 42, 44, 31) if opens(f)])"
    )
    assert await value(sandbox, code) == "([], [])"


@_case(claims=("syscall_filter",), shared=True)
async def ordinary_programs_work_under_the_filter(sandbox: Sandbox) -> None:
    """Threads, child processes, pools, sockets on the loopback and the scientific packages are not disturbed."""
    code = (
        "import multiprocessing, socket, subprocess, threading\n"
        "t = threading.Thread(target=lambda: None); t.start(); t.join()\n"
        "a = subprocess.run(['echo', 'child'], capture_output=True, text=True).stdout\n"
        "s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()).close()\n"
        "def f(x): return x * x\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: b = pool.map(f, [1, 2, 3])\n"
        "import numpy, pandas, scipy.linalg, sympy\n"
        "c = scipy.linalg.inv(numpy.eye(50)).trace()\n"
        "(a, b, c)"
    )
    assert await value(sandbox, code, timeout=60) == "('child\\n', [1, 4, 9], np.float64(50.0))"


@_case(claims=("isolated_files", "no_privileges"), shared=True)
async def the_supervisor_is_out_of_reach(sandbox: Sandbox) -> None:
    """The first process can neither be killed, stopped, traced nor looked into."""
    code = (
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "for n in (9, 15, 19, 2, 1, 3): os.kill(1, n)\n"
        "def shut(path):\n"
        "    try:\n        os.listdir(path) if path.endswith('fd') else open(path).read(1); return False\n"
        "    except OSError:\n        return True\n"
        "(libc.ptrace(16, 1, 0, 0), [p for p in ('mem', 'fd', 'environ', 'maps') if not shut('/proc/1/' + p)])"
    )
    assert await value(sandbox, code) == "(-1, [])"
    assert (await sandbox.exec(["true"])).code == 0


@_case(claims=("isolated_files",), shared=True)
async def nothing_is_imported_from_the_working_directory_by_the_supervisor(sandbox: Sandbox) -> None:
    """A module that the code plants is not what the supervisor loads when it needs one of that name."""
    for name in ("tarfile", "gzip", "zmq", "subprocess"):
        await sandbox.put(f"{name}.py", b"import os\nos._exit(99)\n")
    snapshot = await sandbox.snapshot()
    assert snapshot.tar
    await sandbox.execute("import os\nfor n in ('tarfile', 'gzip', 'zmq', 'subprocess'): os.unlink(n + '.py')")
