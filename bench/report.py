"""How every benchmark says when, where and how sure."""

import os
import platform
import statistics
import time
from collections.abc import Sequence
from pathlib import Path


def machine() -> str:
    """One line on date and machine, for the head of a report."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "?")
    load = os.getloadavg()[0]
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores ({cpu}), "
        f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}, load {load:.1f}"
    )


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median, and minimum to maximum: `1.52 (1.43-1.80)`."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"
