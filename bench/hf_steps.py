"""Time to the first token of step n+1 on the transformers engine, by the length of the history before it.

    python -m bench.hf_steps [--rounds 5] [--histories 1000 2000 6000] [--new 64] [--dtype float32]

A session of so many token ids has had a step; the next one brings `--new` ids more (a tool's result). The time from the
request to the first token id is measured with the session's cache, and once without any (another engine's first look at
the same prompt). Every round takes the histories in turn, so that other load falls on all of them; ratios are taken
within a round. The model is nano as an ordinary checkpoint, in this process, on the CPU.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.report import machine, spread
from ossia.engine import Engine, Sampling, export_checkpoint, open_engine

FIRST = Sampling(temperature=0.0, max_tokens=1)


async def first_token(engine: Engine, prompt: list[int], key: str) -> tuple[float, list[int], int]:
    """Seconds to the first token id, what was sampled, and how much of the prompt was cached."""
    started, seconds, cached = time.perf_counter(), 0.0, 0
    tokens: list[int] = []
    async for chunk in engine.generate(prompt, FIRST, key=key):
        seconds = seconds or time.perf_counter() - started
        tokens += chunk.token_ids
        cached = chunk.cached_tokens if chunk.cached_tokens is not None else cached
    return seconds, tokens, cached


def prompt_ids(count: int, seed: int) -> list[int]:
    ids: list[int] = np.random.default_rng(seed).integers(0, 199_998, count).tolist()
    return ids


async def measure(engine: Engine, arguments: argparse.Namespace) -> dict[int, tuple[list[float], list[float]]]:
    """History -> seconds of step n+1, and of the same prompt without a cache."""
    found: dict[int, tuple[list[float], list[float]]] = {n: ([], []) for n in arguments.histories}
    for round_ in range(arguments.rounds + 1):
        for history in arguments.histories:
            key = f"{round_}-{history}"
            prompt = prompt_ids(history, seed=hash((round_, history)) & 0xFFFF_FFFF)
            cold, sampled, _ = await first_token(engine, prompt, key)
            step = [*prompt, *sampled, *prompt_ids(arguments.new, seed=round_)]
            warm, _, cached = await first_token(engine, step, key)
            assert cached == history, "the history must come from the session's cache"
            if round_:  # the first round warms up
                found[history][0].append(warm)
                found[history][1].append(cold)
    return found


async def run(arguments: argparse.Namespace, checkpoint: Path) -> dict[int, tuple[list[float], list[float]]]:
    engine = await open_engine(f"hf:{checkpoint}", options={"device": "cpu", "dtype": arguments.dtype})
    try:
        return await measure(engine, arguments)
    finally:
        await engine.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--histories", type=int, nargs="+", default=[1000, 2000, 6000])
    parser.add_argument("--new", type=int, default=64)
    parser.add_argument("--dtype", default="float32")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = Path(scratch) / "nano"
        export_checkpoint(checkpoint)
        found = asyncio.run(run(arguments, checkpoint))
    print(f"{machine()}; {arguments.dtype}, {arguments.new} new token ids, {arguments.rounds} rounds\n")
    print("| history, token ids | first token of step n+1, ms | against the shortest history | without a cache, ms |")
    print("|---|---|---|---|")
    base = found[min(found)][0]
    for history, (warm, cold) in found.items():
        ratios = [a / b for a, b in zip(warm, base, strict=True)]
        cells = (spread([1000 * s for s in warm], 1), spread(ratios), f"{1000 * statistics.median(cold):.0f}")
        print(f"| {history:,} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
