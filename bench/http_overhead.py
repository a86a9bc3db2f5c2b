"""What ossia adds to a server: the same prompts from the same vLLM, through the engine and through a bare client.

    python -m bench.http_overhead [--rounds 10] [--tokens 128] [--concurrent 1 16 64] [--url URL] [--wire WIRE]

Without `--url` it starts vLLM from .venv-vllm (scripts/vllm_env.sh makes it) on nano's checkpoint. The bare client is a
dozen lines of aiohttp that posts the same body, reads the stream line by line and gathers the token ids. Both run in
this process, one after the other in each round, in turns first and last; the ratio is taken within a round, so that
other load falls on both. Processor time is that of this process alone, the server's is not in it. Greedy; the prompts
are some that the model goes on from for the whole length, so that both get the same ids, which is checked.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bench.report import machine, spread
from ossia.engine import Engine, Sampling, export_checkpoint, open_engine
from ossia.engine.http._probe import WIRES
from ossia.engine.http._wire import Ask, Wire

Prompts = Sequence[Sequence[int]]
Client = Callable[[Sequence[int], int], Awaitable[list[int]]]
"""Gives the token ids after a prompt, so many."""

PROMPT_TOKENS = 64


@contextmanager
def vllm_on_nano() -> Iterator[str]:
    """Serve nano's checkpoint by vLLM on the CPU; gives the base URL."""
    python = Path(__file__).parents[1] / ".venv-vllm" / "bin" / "python"
    with tempfile.TemporaryDirectory() as scratch, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        export_checkpoint(Path(scratch) / "nano")
        flags = "--max-model-len 4096 --max-num-seqs 64 --enforce-eager --dtype bfloat16 --enable-scale-out"
        command = [str(python), "-m", "vllm.entrypoints.openai.api_server", "--model", f"{scratch}/nano"]
        more = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
        with (Path(scratch) / "log").open("wb") as log:
            server = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port), *flags.split()],
                stdout=log,
                stderr=log,
                env=os.environ | more,
                start_new_session=True,
            )
        try:
            wait_for(f"http://127.0.0.1:{port}/health")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def wait_for(url: str, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit(f"nothing answers at {url}")


def bare_client(session: aiohttp.ClientSession, base: str, model: str, wire: Wire) -> Client:
    async def complete(prompt: Sequence[int], tokens: int) -> list[int]:
        ask = Ask(model=model, prompt=list(prompt), sampling=Sampling(temperature=0.0), max_tokens=tokens, seed=None)
        ids: list[int] = []
        async with session.post(wire.url(base), data=json.dumps(wire.body(ask))) as response:
            async for line in response.content:
                if line.startswith(b"data: {"):
                    for choice in json.loads(line[6:])["choices"]:
                        ids += choice["token_ids"]
        return ids

    return complete


def ossia_client(engine: Engine) -> Client:
    async def complete(prompt: Sequence[int], tokens: int) -> list[int]:
        ids: list[int] = []
        async for chunk in engine.generate(prompt, Sampling(temperature=0.0, max_tokens=tokens), key=str(prompt[0])):
            ids += chunk.token_ids
        return ids

    return complete


async def long_prompts(client: Client, count: int, tokens: int) -> list[list[int]]:
    """Prompts from which the model goes on for at least so many ids."""
    found: list[list[int]] = []
    draw = random.Random(1)
    for _ in range(8):
        tried = [[draw.randrange(1000, 199_000) for _ in range(PROMPT_TOKENS)] for _ in range(count)]
        results = await asyncio.gather(*(client(prompt, tokens) for prompt in tried))
        found += [prompt for prompt, ids in zip(tried, results, strict=True) if len(ids) == tokens]
        if len(found) >= count:
            return found[:count]
    raise SystemExit(f"the model ends too early: {len(found)} prompts of {count} go on for {tokens} ids")


@dataclass
class Measured:
    """What a client took in each round."""

    speed: list[float] = field(default_factory=list)
    """Token ids a second of wall time, all requests together."""
    processor: list[float] = field(default_factory=list)
    """Microseconds of processor time of the client a token id."""

    async def run(self, client: Client, prompts: Prompts, tokens: int) -> list[list[int]]:
        wall, processor = time.perf_counter(), time.process_time()
        results = await asyncio.gather(*(client(prompt, tokens) for prompt in prompts))
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        count = sum(map(len, results))
        self.speed.append(count / wall)
        self.processor.append(1e6 * processor / count)
        return results


def lower_bound(ratios: Sequence[float]) -> float:
    """Of the geometric mean: the 2.5th percentile of its bootstrap over rounds."""
    draw = random.Random(0)
    means = sorted(statistics.geometric_mean(draw.choices(ratios, k=len(ratios))) for _ in range(4000))
    return means[len(means) // 40]


async def compare(bare: Client, ours: Client, prompts: Prompts, rounds: int, tokens: int) -> str:
    """One row of the report."""
    theirs, mine = Measured(), Measured()
    for round_ in range(rounds):
        turns = [(theirs, bare), (mine, ours)]
        results = [await measured.run(client, prompts, tokens) for measured, client in turns[:: 1 - 2 * (round_ % 2)]]
        # In a batch floating point rounds differently: the counts are to be the same, and nearly all of the ids.
        same = sum(a == b for a, b in zip(*results, strict=True))
        assert same >= len(prompts) // 2, "the two got different completions"
    ratios = [a / b for a, b in zip(mine.speed, theirs.speed, strict=True)]
    added = [a - b for a, b in zip(mine.processor, theirs.processor, strict=True)]
    return (
        f"| {len(prompts)} | {spread(theirs.speed, 0)} | {spread(mine.speed, 0)} | {spread(ratios, 3)} | "
        f"{lower_bound(ratios):.3f} | {spread(theirs.processor, 0)} | {spread(mine.processor, 0)} | "
        f"{spread(added, 1)} |"
    )


async def report(bare: Client, ours: Client, args: argparse.Namespace) -> None:
    """The table: a row for each number of requests at once."""
    prompts = await long_prompts(ours, max(args.concurrent), args.tokens)
    print("| at once | bare: ids/s | ossia: ids/s | ratio | its lower bound | bare: µs CPU an id | ossia | added |")
    print("|---|---|---|---|---|---|---|---|")
    for concurrent in args.concurrent:
        print(await compare(bare, ours, prompts[:concurrent], args.rounds, args.tokens), flush=True)


async def measure(base: str, args: argparse.Namespace) -> None:
    engine = await open_engine(base, options={"wire": args.wire})
    wire = next(wire for wire in WIRES if wire.name == args.wire)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4), headers=headers
    ) as session:
        await report(bare_client(session, base, engine.info.model, wire), ossia_client(engine), args)
    await engine.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--concurrent", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--url")
    parser.add_argument("--wire", choices=["vllm-generate", "vllm-completions"], default="vllm-generate")
    args = parser.parse_args()
    print(f"{machine()}, {args.wire}, prompts of {PROMPT_TOKENS} ids, {args.tokens} sampled, {args.rounds} rounds\n")
    with nullcontext(args.url) if args.url else vllm_on_nano() as base:
        asyncio.run(measure(base, args))


if __name__ == "__main__":
    main()
