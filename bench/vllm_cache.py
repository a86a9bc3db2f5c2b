"""How much of a conversation's prompt vLLM finds in its prefix cache, as ossia starts it and by its own default.

    .venv-vllm/bin/python -m bench.vllm_cache [--steps 20] [--sampled 200] [--result 60]

Runs in the environment that scripts/vllm_env.sh makes, on nano's checkpoint. Each step samples token ids and appends a
tool's result, as an agent does; the next prompt begins with all of it. Told is, of the full blocks that the prompt
shares with what was computed before, how many were not found: at worst, in the median, and the share of all shared
tokens that was found.
"""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.report import machine
from ossia.engine import Sampling, export_checkpoint, open_engine, sample
from ossia.types import JsonValue

OPTIONS: Mapping[str, JsonValue] = {"dtype": "bfloat16", "enforce_eager": True, "max_model_len": 8192}
SETTINGS: Mapping[str, Mapping[str, JsonValue]] = {
    "ossia: prefix_cache_retention_interval=None": {},
    "vLLM's default: 0": {"prefix_cache_retention_interval": 0},
}
BLOCK = 128
"""Token ids of a block of vLLM's cache on the CPU."""


async def converse(
    checkpoint: Path, options: Mapping[str, JsonValue], args: argparse.Namespace
) -> list[tuple[int, int]]:
    """Of each step after the first: token ids in the full blocks that were computed before, and those found."""
    engine = await open_engine(f"vllm:{checkpoint}", options={**OPTIONS, **options})
    transcript = [(11 * i) % 60_000 + 500 for i in range(300)]
    known, found = 0, []
    for step in range(args.steps):
        sampling = Sampling(temperature=1.0, top_k=50, max_tokens=args.sampled)
        answer = await sample(engine, transcript, sampling, key="run")
        if step:
            found.append((known // BLOCK * BLOCK, answer.cached_tokens or 0))
        # The last id that was sampled is computed with the next prompt.
        known = len(transcript) + len(answer.token_ids) - 1
        transcript += [*answer.token_ids, *((13 * i + 7 * step) % 70_000 for i in range(args.result))]
    await engine.aclose()
    return found


async def measure(args: argparse.Namespace, checkpoint: Path) -> None:
    export_checkpoint(checkpoint)
    print("| setting | steps | last prompt's shared ids | blocks missed: most | median | found of all shared ids |")
    print("|---|---|---|---|---|---|")
    for name, options in SETTINGS.items():
        found = await converse(checkpoint, options, args)
        missed = [(shared - cached) // BLOCK for shared, cached in found]
        share = sum(cached for _, cached in found) / sum(shared for shared, _ in found)
        print(
            f"| {name} | {args.steps} | {found[-1][0]} | {max(missed)} | {statistics.median(missed):g} | {share:.1%} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--sampled", type=int, default=200)
    parser.add_argument("--result", type=int, default=60)
    args = parser.parse_args()
    print(f"{machine()}, {args.sampled} ids sampled and {args.result} of a result a step\n")
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(measure(args, Path(scratch) / "nano"))


if __name__ == "__main__":
    main()
