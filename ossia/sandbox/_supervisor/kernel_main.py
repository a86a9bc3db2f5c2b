"""The kernel's own process: ipykernel, set up for a relay that bounds what it says."""

import gc
import json
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType

TEXT_PIECE = 64 * 1024
"""Characters of one stream message: the relay keeps or drops whole messages, so they must be small."""
UNFLUSHED_LIMIT = 4 << 20
"""Characters that a stream holds before whoever writes to it has to wait for the relay."""
TEXT_LIMIT = 1 << 20
"""Characters of one text/plain representation."""


def preload() -> None:
    """Import what a kernel is made of. Done once before the first fork: each kernel then starts without it."""
    # ipykernel does without a debugger where there is none: a third of its modules. A cell may import it all the same.
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    _lighten_jupyter_client()
    _lighten_dateutil()
    for name in ("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.displayhook"):
        import_module(name)
    # Found now, while there is room to try one: ipykernel asks for it at every cell.
    tempfile.gettempdir()
    # What is there by now stays: not looking for garbage among it leaves its pages shared.
    gc.freeze()


def _lighten_jupyter_client() -> None:
    """A kernel uses three of its modules; the package brings clients and managers."""
    package = _later("jupyter_client")
    package.__dict__["write_connection_file"] = import_module("jupyter_client.connect").write_connection_file


def _lighten_dateutil() -> None:
    """jupyter_client would parse dates with it; a kernel has none to parse."""
    module = _later("dateutil.parser")

    def isoparse(text: str) -> object:
        if module.__dict__.get("isoparse") is isoparse:
            del module.__dict__["isoparse"]
        return module.isoparse(text)

    module.__dict__["isoparse"] = isoparse


def _later(name: str) -> ModuleType:
    """An empty module `name` that becomes whole once it is asked for anything that it does not hold."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
    load = spec.loader.exec_module

    def the_whole(attribute: str) -> object:
        del module.__dict__["__getattr__"]
        load(module)
        return getattr(module, attribute)

    module.__dict__["__getattr__"] = the_whole
    return module


def run(connection_file: str, workdir: str, errors_fd: int) -> None:
    """Be the kernel; never returns. A failure to start is written to `errors_fd`."""
    code = 70
    try:
        gc.enable()
        app = _prepare(connection_file, workdir)
        # Nothing of the model's may ever write to the supervisor's stderr.
        os.close(errors_fd)
        errors_fd = -1
        app.start()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - the last frame of a forked process: what is not told here is lost
        if errors_fd >= 0:
            os.write(errors_fd, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _prepare(connection_file: str, workdir: str):  # type: ignore[no-untyped-def]
    os.chdir(workdir)
    sys.path.insert(0, "")
    sys.argv = ["kernel"]
    _copy_font_cache()
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.cache_size = 0
    config.IPKernelApp.quiet = True

    class App(IPKernelApp):  # type: ignore[misc]
        blocking_class = (
            None  # a client's; its default would bring all of jupyter_client, as would looking for the file
        )

        def write_connection_file(self) -> None:
            """It is there."""

        def init_pdb(self) -> None:
            """A debugger that asks wants a terminal."""

    app = App(connection_file=connection_file, config=config)
    # It stores variables between sessions.
    app.default_extensions = []
    app.initialize([])
    del sys.modules["debugpy"]
    _bound_output(app)
    return app


class _Forgetful(dict[int, list[object]]):
    """Takes what is appended to its lists, and forgets it."""

    def __missing__(self, key: int) -> list[object]:
        return []


def _copy_font_cache() -> None:
    """matplotlib wants its cache writable; building it anew would cost seconds in every sandbox."""
    source = os.environ.get("OSSIA_FONT_CACHE")
    if source and os.path.isdir(source):
        import shutil

        target = os.path.join(os.environ.get("TMPDIR", "/tmp"), ".matplotlib")
        shutil.copytree(source, target, dirs_exist_ok=True)
        os.environ["MPLCONFIGDIR"] = target


def _bound_output(app) -> None:  # type: ignore[no-untyped-def]
    """Lose nothing, and cut what would be one huge message: streams into pieces, representations in their middle."""
    app.session.pack = _forgiving(app.session.pack)
    _send_at_once(app.iopub_thread)
    # Without this the socket drops messages when the relay is behind, the one that ends the cell among them.
    app.iopub_thread.socket.setsockopt(import_module("zmq").XPUB_NODROP, 1)
    for stream in (sys.stdout, sys.stderr):
        _cut_stream(stream)
    shell = app.shell
    # IPython 9 keeps all that was ever printed, for notebooks that nobody saves here.
    shell.history_manager.outputs = _Forgetful()
    shell.display_pub.register_hook(_shorten)
    if hasattr(shell.displayhook, "register_hook"):
        shell.displayhook.register_hook(_shorten)


def _send_at_once(publisher) -> None:  # type: ignore[no-untyped-def]
    """Have the publishing thread send what it makes itself, instead of queueing it to itself.

    That queue has an end: where one flush makes many messages, the thread comes to wait for a place in it, for ever.
    """
    schedule = publisher.schedule

    def schedule_or_call(call: Callable[[], None]) -> None:
        if threading.current_thread() is publisher.thread:
            call()
        else:
            schedule(call)

    publisher.schedule = schedule_or_call


def _cut_stream(stream) -> None:  # type: ignore[no-untyped-def]
    flush_buffers = stream._flush_buffers

    def in_pieces():  # type: ignore[no-untyped-def]
        for parent, text in flush_buffers():
            for start in range(0, len(text), TEXT_PIECE):
                yield parent, text[start : start + TEXT_PIECE]

    write = stream.write
    unflushed = 0

    def write_and_wait(text):  # type: ignore[no-untyped-def]
        nonlocal unflushed
        if not isinstance(text, str):
            return write(text)
        for start in range(0, len(text) or 1, UNFLUSHED_LIMIT):
            piece = text[start : start + UNFLUSHED_LIMIT]
            write(piece)
            unflushed += len(piece)
            if unflushed >= UNFLUSHED_LIMIT:
                unflushed = 0
                stream.flush()
        return len(text)

    stream._flush_buffers = in_pieces
    stream.write = write_and_wait


def _forgiving(pack: Callable[[object], bytes]) -> Callable[[object], bytes]:
    """A packer that does not fail on text that UTF-8 cannot hold."""

    def pack_anything(content: object) -> bytes:
        try:
            return pack(content)
        except UnicodeEncodeError:
            return json.dumps(content, default=str).encode()

    return pack_anything


def _shorten(message):  # type: ignore[no-untyped-def]
    data = message.get("content", {}).get("data", {})
    for mime, text in list(data.items()):
        if isinstance(text, str) and len(text) > TEXT_LIMIT and mime.startswith("text/"):
            half = TEXT_LIMIT // 2
            data[mime] = f"{text[:half]}\n[... {len(text) - TEXT_LIMIT:,} characters left out ...]\n{text[-half:]}"
    return message
