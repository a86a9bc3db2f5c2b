"""How the supervisor gets into a sandbox: its sources go in over stdin, so host and supervisor always match."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

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
import os, sys, json, types
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
for name, source in boot["modules"]:
    m = module("supervisor." + name)
    m.__package__ = "supervisor"
    setattr(sys.modules["supervisor"], name, m)
    exec(compile(source, "<supervisor/" + name + ".py>", "exec"), m.__dict__)
sys.modules["supervisor.main"].main(boot["config"], r, w)
"""
"""What `python3 -c` runs as the first program of a sandbox."""


@cache
def _sources() -> list[tuple[str, str]]:
    folder = files("ossia.sandbox") / "_supervisor"
    return [(name, (folder / f"{name}.py").read_text("utf-8")) for name in _MODULES]


def boot_message(config: Mapping[str, JsonValue]) -> bytes:
    """What the loader reads first: u32 length, then JSON with the modules' sources and the configuration."""
    body = json.dumps({"modules": _sources(), "config": config}).encode()
    return len(body).to_bytes(4, "big") + body
