"""What ossia adds to vLLM in process: the same prompts through the engine and through `AsyncLLM` driven directly.

    .venv-vllm/bin/python -m bench.vllm_overhead [--rounds 8] [--tokens 128] [--concurrent 1 16 64] [--shape 20b]

Runs in the environment that scripts/vllm_env.sh makes, on nano's checkpoint. Both ask one and the same `AsyncLLM`, one
after the other in each round, in turns first and last, so that other load falls on both and the ratio is taken within a
round. Processor time is that of this process, in which ossia runs; vLLM computes in others. Greedy, and each completion
goes on for the whole length (`ignore_eos` is no part of ossia, so that the prompts are some from which nano does).

On a GPU `--shape 20b` or `120b` takes gpt-oss's configuration with weights that vLLM makes up, in place of nano:
`--shape 20b --concurrent 1 32 256`. `--shape small` shows the same path on a CPU.
"""

import argparse
import asyncio
import itertools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from bench.http_overhead import Client, ossia_client, report
from bench.report import machine
from bench.shapes import Shape, write_shape
from ossia.engine import STOP_TOKEN_IDS, export_checkpoint, open_engine
from ossia.engine.vllm._engine import VllmEngine
from ossia.types import JsonValue

OPTIONS: Mapping[str, JsonValue] = {
    "dtype": "bfloat16",
    "enforce_eager": True,
    "max_model_len": 4096,
    "max_num_seqs": 64,
}


def bare_client(engine: VllmEngine) -> Client:
    """What one writes who has no engine of ossia."""
    from vllm.inputs import tokens_input
    from vllm.sampling_params import RequestOutputKind, SamplingParams

    core, numbers = engine._core, itertools.count()
    assert core is not None

    async def complete(prompt: Sequence[int], tokens: int) -> list[int]:
        sampling = SamplingParams(
            max_tokens=tokens,
            temperature=0.0,
            stop_token_ids=list(STOP_TOKEN_IDS),
            detokenize=False,
            skip_clone=True,
            output_kind=RequestOutputKind.DELTA,
        )
        ids: list[int] = []
        asked = tokens_input(prompt_token_ids=list(prompt))
        name = f"bare-{next(numbers)}"
        async for output in core.generate(asked, sampling, name, priority=0, data_parallel_rank=None):
            ids += output.outputs[0].token_ids
        return ids

    return complete


async def measure(args: argparse.Namespace, directory: Path) -> None:
    options = dict(OPTIONS)
    if args.shape:
        options |= {**write_shape(directory, args.shape), "max_num_seqs": max(args.concurrent)}
    else:
        export_checkpoint(directory)
    engine = await open_engine(f"vllm:{directory}", options=options)
    assert isinstance(engine, VllmEngine)
    await report(bare_client(engine), ossia_client(engine), args)
    await engine.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--concurrent", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--shape", choices=get_args(Shape))
    args = parser.parse_args()
    print(f"{machine()}, {args.tokens} ids sampled, {args.rounds} rounds\n")
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(measure(args, Path(scratch) / "nano"))


if __name__ == "__main__":
    main()
