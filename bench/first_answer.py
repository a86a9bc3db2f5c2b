"""From a fresh environment to the first answer: make it, `pip install .`, `ossia run`, with an empty cache.

    python -m bench.first_answer [--rounds 1]

The sandbox image is not part of it: it is built once for a machine (`ossia sandbox build` says how long it took).
Behind that, what a second `ossia run` takes to its end.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import machine, spread

ROOT = Path(__file__).parent.parent
TASK = "What is 48213 * 777?"


def timed(command: list[str], environment: dict[str, str] | None = None) -> float:
    """Seconds that a command took. It must succeed."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **(environment or {})}, cwd="/")
    return time.perf_counter() - started


def one_round(folder: Path) -> tuple[float, float, float, float]:
    """Seconds of the environment, the installation, the first answer, the second answer."""
    environment = {"OSSIA_CACHE": str(folder / "cache"), "OSSIA_RUNS": str(folder / "runs")}
    made = timed([sys.executable, "-m", "venv", str(folder / "venv")])
    installed = timed([str(folder / "venv/bin/pip"), "install", "-q", str(ROOT)])
    run = [str(folder / "venv/bin/ossia"), "run", "--quiet", TASK]
    return made, installed, timed(run, environment), timed(run, environment)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    rounds = parser.parse_args().rounds
    times = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            times.append(one_round(Path(folder)))
    print(machine())
    for name, values in zip(
        ("environment", "pip install .", "first answer", "second answer"), zip(*times, strict=True), strict=True
    ):
        print(f"{name}: {spread(values, 1)} s")
    print(f"from nothing to the first answer: {spread([sum(row[:3]) for row in times], 1)} s")


if __name__ == "__main__":
    main()
