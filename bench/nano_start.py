"""How long nano takes from a fresh process to its first token, with and without its table in the cache; its memory.

    python -m bench.nano_start [--rounds 5]

Each measurement is a process of its own. Cold: an empty cache directory, so that the vocabulary table is made first.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

from bench.report import machine, spread

PROGRAM = """
import asyncio, json, resource, time
started = time.perf_counter()
from ossia.engine import Sampling, open_engine

async def main():
    imported = time.perf_counter()
    engine = await open_engine("nano")
    opened = time.perf_counter()
    async for chunk in engine.generate(range(100), Sampling(temperature=0.0), key="k"):
        break
    first = time.perf_counter()
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"import": imported - started, "open": opened - imported,
                      "first token of a prompt of 100": first - opened, "MB at most": megabytes}))

asyncio.run(main())
"""


def start(cache: str) -> dict[str, float]:
    """Seconds of each phase of one fresh process, and its memory."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "OSSIA_CACHE": cache},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def report(name: str, measured: list[dict[str, float]]) -> None:
    print(f"\n{name}: median (least-most)")
    for phase in measured[0]:
        unit = "" if phase.startswith("MB") else " s"
        print(f"  {phase:32}{spread([m[phase] for m in measured])}{unit}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(machine())
    cold, warm = [], []
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(start(cache))
            warm.append(start(cache))
    report("cold", cold)
    report("warm", warm)


if __name__ == "__main__":
    main()
