"""How the supervisor gets into a sandbox: its sources go in over stdin, so host and supervisor always match."""

import json
import marshal
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.util import MAGIC_NUMBER

from ossia.types import JsonValue

_MODULES = (
    "frames",
    "loop",
    "wire",
    "capped",
    "processes",
    "facts",
    "files",
    "archive",
    "kernel_main",
    "kernel",
    "commands",
    "net",
    "main",
)
"""In the order in which they import one another."""

LOADER = """
import _frozen_importlib_external, gc, json, marshal, os, sys, types
# Nothing of what is loaded now is garbage; the supervisor turns the collector on again.
gc.disable()
# The working directory is the model's: nothing may be imported from there, now or later.
sys.path[:] = [p for p in sys.path if p]
r, w, null = os.dup(0), os.dup(1), os.open(os.devnull, os.O_RDWR)
os.dup2(null, 0), os.dup2(null, 1)
def read(left):
    data = b""
    while len(data) < left:
        piece = os.read(r, left - len(data))
        if not piece: os._exit(0)
        data += piece
    return data
boot = json.loads(read(int.from_bytes(read(4), "big")))
def module(name):
    sys.modules[name] = m = types.ModuleType(name)
    return m
module("supervisor").__path__ = []
same = boot["magic"] == _frozen_importlib_external.MAGIC_NUMBER.hex()
for name, source, code in boot["modules"]:
    m = module("supervisor." + name)
    m.__package__ = "supervisor"
    setattr(sys.modules["supervisor"], name, m)
    exec(marshal.loads(bytes.fromhex(code)) if same else compile(source, name, "exec"), m.__dict__)
sys.modules["supervisor.main"].main(boot["config"], r, w)
"""
"""What `python3 -c` runs as the first program of a sandbox."""


@cache
def _modules() -> list[tuple[str, str, str]]:
    """Name, source, and the code that this Python compiles it to: one of the same kind need not do it again."""
    folder = files("ossia.sandbox") / "_supervisor"
    sources = [(name, (folder / f"{name}.py").read_text("utf-8")) for name in _MODULES]
    return [(name, source, marshal.dumps(compile(source, name, "exec")).hex()) for name, source in sources]


def boot_message(config: Mapping[str, JsonValue]) -> bytes:
    """What the loader reads first: u32 length, then JSON with the modules and the configuration."""
    body = json.dumps({"magic": MAGIC_NUMBER.hex(), "modules": _modules(), "config": config}).encode()
    return len(body).to_bytes(4, "big") + body
