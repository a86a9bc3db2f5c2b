"""vLLM's log: kept out of the terminal, read for the progress of a start and for the cause when one fails.

vLLM logs to stdout, which is the caller's, and tells the process that starts an engine no more of a failure than "see
root cause above". So its log goes to a file, that of its other processes too. Who configures vLLM's logging by its own
environment variables is let be.
"""

import atexit
import json
import os
import re
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_STAGES = (
    ("Starting to load model", "loading the weights", 0.2),
    ("Loading weights took", "compiling", 0.5),
    ("KV cache size", "warming up", 0.8),
    ("init engine", "starting", 0.95),
)
"""What vLLM logs, what it is about to do then, and the share of the start that is done."""
_ERROR = re.compile(r"\b((?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)): (\S.*)")
_AFTERMATH = ("Engine core initialization failed", "WorkerProc initialization failed", "Executor failed")


@cache
def _file() -> Path | None:
    """Where vLLM logs to; None: where the user wants it."""
    if "VLLM_LOGGING_CONFIG_PATH" in os.environ or os.environ.get("VLLM_CONFIGURE_LOGGING", "1") != "1":
        return None
    folder = tempfile.TemporaryDirectory(prefix="ossia-vllm-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    log, settings = Path(folder.name, "vllm.log"), Path(folder.name, "logging.json")
    log.touch()
    settings.write_text(json.dumps(_settings(log)))
    os.environ["VLLM_LOGGING_CONFIG_PATH"] = str(settings)
    return log


def _settings(log: Path) -> dict[str, object]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"vllm": {"format": "%(levelname)s %(asctime)s [%(filename)s:%(lineno)d] %(message)s"}},
        "handlers": {"file": {"class": "logging.FileHandler", "filename": str(log), "formatter": "vllm"}},
        "loggers": {"vllm": {"handlers": ["file"], "level": "INFO", "propagate": False}},
    }


def prepare() -> None:
    """Call it before vllm is imported: it reads its environment then."""
    if find_spec("vllm") is not None:
        _file()
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")


def end() -> int:
    """Bytes that stand in the log now."""
    log = _file()
    return log.stat().st_size if log else 0


def stage(since: int) -> tuple[str, float]:
    """What a start that began at byte `since` of the log is doing, and the share of it that is done."""
    text = _since(since)
    for sign, what, share in reversed(_STAGES):
        if sign in text:
            return what, share
    return "starting vLLM", 0.1


def cause(since: int) -> str | None:
    """The first error that was logged after byte `since` and is not itself the sequel of another."""
    for match in _ERROR.finditer(_since(since)):
        if not any(sign in match[2] for sign in _AFTERMATH):
            # The first sentence; vLLM's advice after it is in terms of its command line.
            return f"{match[1].rpartition('.')[2]}: {match[2].strip().split('. ')[0][:300]}"
    return None


def _since(start: int) -> str:
    log = _file()
    if log is None:
        return ""
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")
