"""Raw generation speed of nano on NumPy against transformers on the same checkpoint.

    python -m bench.nano_speed [--rounds 5] [--batches 1 8 32] [--tokens 96] [--json FILE]

Every round runs each implementation once on the same prompts, one after another, so that other load on the machine
falls on all of them; the ratios are taken within a round. Greedy, KV cache, no stop ids, prompts of 96 token ids, the
prompt's own computation included. transformers runs in float32 and in bfloat16, by `generate` and by a bare loop over
its forward pass (what `generate` costs beside the model left out); it is compared by the fastest of the four.

Two measures: token ids a second of wall time, which other load on the machine disturbs, and processor time a token id,
which it hardly does; the second is meant for one thread each, so that no thread waits in a loop for another:

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m bench.nano_speed
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from transformers import GptOssForCausalLM

from bench.report import machine, spread
from ossia.engine import STOP_TOKEN_IDS, Sampling, export_checkpoint
from ossia.engine.nano import NanoEngine, load_checkpoint

PROMPT_TOKENS = 96
Prompts = Sequence[Sequence[int]]
Runner = Callable[[Prompts, int], None]
"""Generates so many token ids after each prompt."""


def prompts(batch: int, round_: int) -> list[list[int]]:
    """New prompts each round, so that no implementation finds them in a cache."""
    random = np.random.default_rng([batch, round_])
    ids: list[list[int]] = random.integers(0, 199_998, (batch, PROMPT_TOKENS)).tolist()
    return ids


def nano_runner(checkpoint: Path, runner: asyncio.Runner) -> Runner:
    model = load_checkpoint(checkpoint)
    # Stop ids get logit 0, below the largest, so that each completion has its full length.
    model._unembed[:, list(STOP_TOKEN_IDS)] = 0
    engine = NanoEngine(model)

    async def one(prompt: Sequence[int], tokens: int, key: str) -> None:
        sampling = Sampling(temperature=0.0, max_tokens=tokens)
        count = 0
        async for chunk in engine.generate(prompt, sampling, key=key):
            count += len(chunk.token_ids)
        assert count == tokens, "a completion ended early"

    async def all_of(batch: Prompts, tokens: int) -> None:
        await asyncio.gather(*(one(prompt, tokens, str(i)) for i, prompt in enumerate(batch)))

    return lambda batch, tokens: runner.run(all_of(batch, tokens))


def generate_runner(model: GptOssForCausalLM) -> Runner:
    def run(batch: Prompts, tokens: int) -> None:
        ids = torch.tensor(batch)
        mask = torch.ones_like(ids)
        out = model.generate(
            ids, attention_mask=mask, max_new_tokens=tokens, do_sample=False, eos_token_id=None, pad_token_id=199_999
        )
        assert out.shape[1] == ids.shape[1] + tokens

    return run


def loop_runner(model: GptOssForCausalLM) -> Runner:
    def run(batch: Prompts, tokens: int) -> None:
        ids, cache = torch.tensor(batch), None
        for _ in range(tokens):
            out = model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            ids, cache = out.logits[:, -1].argmax(dim=-1, keepdim=True), out.past_key_values

    return run


@dataclass
class Speeds:
    """What one implementation took in each round."""

    wall: list[float] = field(default_factory=list)
    """Token ids a second."""
    processor: list[float] = field(default_factory=list)
    """Milliseconds of processor time a token id."""


def measure(runners: dict[str, Runner], batch: int, rounds: int, tokens: int) -> dict[str, Speeds]:
    speeds = {name: Speeds() for name in runners}
    for run in runners.values():
        run(prompts(batch, 0), 4)  # warms up
    for round_ in range(rounds):
        for name, run in runners.items():
            wall, processor = time.perf_counter(), time.process_time()
            run(prompts(batch, round_ + 1), tokens)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            speeds[name].wall.append(batch * tokens / wall)
            speeds[name].processor.append(1000 * processor / (batch * tokens))
    return speeds


def report(batch: int, speeds: dict[str, Speeds]) -> dict[str, object]:
    print(f"\nbatch of {batch}, median (least-most){'token ids/s':>22}{'processor ms a token id':>32}", flush=True)
    for name, values in speeds.items():
        print(f"  {name:32}{spread(values.wall, 1):>26}{spread(values.processor):>28}", flush=True)
    nano, others = speeds["nano"], [values for name, values in speeds.items() if name != "nano"]
    faster = [ours / max(theirs) for ours, *theirs in zip(nano.wall, *(o.wall for o in others), strict=True)]
    cheaper = [min(theirs) / ours for ours, *theirs in zip(nano.processor, *(o.processor for o in others), strict=True)]
    print(f"  {'nano against the best other':32}{spread(faster):>26}{spread(cheaper):>28}", flush=True)
    return {"batch": batch, "speeds": {name: asdict(values) for name, values in speeds.items()}, "ratios": faster}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    print(f"{machine()}, {torch.get_num_threads()} threads")
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode(), asyncio.Runner() as runner:
        checkpoint = Path(scratch) / "nano"
        export_checkpoint(checkpoint)
        runners = {"nano": nano_runner(checkpoint, runner)}
        for dtype in (torch.float32, torch.bfloat16):
            model = GptOssForCausalLM.from_pretrained(checkpoint, dtype=dtype).eval()
            name = f"transformers {str(dtype).removeprefix('torch.')}"
            runners |= {f"{name} generate": generate_runner(model), f"{name} loop": loop_runner(model)}
        results = [report(b, measure(runners, b, args.rounds, args.tokens)) for b in args.batches]
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
