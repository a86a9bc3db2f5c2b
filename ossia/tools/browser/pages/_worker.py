"""The process in which pages are converted: it parses what strangers wrote, so it may hang, swell or crash.

It reads requests from standard input and writes answers to standard output, one at a time: a line of JSON, and after a
request's line the bytes of the document.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from typing import BinaryIO

from ossia.tools.browser.pages._charset import load_charsets
from ossia.tools.browser.pages._convert import convert
from ossia.tools.browser.pages.protocol import Converted

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_NOBODY = 65534


def main() -> None:
    """Answer requests until standard input ends."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    load_charsets()
    os.dup2(2, 1)  # nothing that a library prints may look like an answer
    _confine(int(sys.argv[1]))
    while line := requests.readline():
        answers.write(json.dumps(_answer(json.loads(line), requests)).encode() + b"\n")
        answers.flush()


def _answer(request: dict[str, str], requests: BinaryIO) -> dict[str, object]:
    body = requests.read(int(request["size"]))
    try:
        converted, source = convert(body, request["url"], request["media_type"], request["charset"] or None)
    except ValueError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "the page needs more memory than a page may"}
    except RecursionError:
        return {"error": "the page is nested too deep"}
    return {"page": _fields(converted), "source": source}


def _fields(converted: Converted) -> dict[str, object]:
    return {name: _json(getattr(converted, name)) for name in Converted.__slots__}


def _json(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _confine(memory: int) -> None:
    """Bound the memory, give up root, write no file, and die with the process that started us."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
