"""ossia beside openai-agents and smolagents: the time of a step behind 1, 10 and 100 steps of history.

    scripts/peers_env.sh && python -m bench.agent_frameworks [--runs 5]

One server process plays one script to all of them: a thought of about 60 token ids and a call of a function, a hundred
times and more, then the answer. It speaks Chat Completions for the peers, and vLLM's token ids in, token ids out for
ossia. Streams come a token id (a word, for chat) at a time. Each framework runs in a fresh process and is given one
async function (smolagents: a `Tool`, which is sync), which notes wall time and processor time when it is called. From
one such note to the next lies a step: the answer of the function, the next request and its answer, read and understood,
and the call. Reported is the step behind so many others, median (least-most) over the runs; processor time is the
framework's own process's, so that the server's is not in it.

ossia streams and writes its journal in both modes; "streamed" reads its events as well.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.report import machine, spread
from ossia import Agent, Limits, tool

ROOT = Path(__file__).parent.parent
PEERS = ROOT / ".venv-peers" / "bin" / "python"
HISTORIES = (1, 10, 100)
STEPS = max(HISTORIES) + 3
"""Calls of a run."""
WINDOW = 2
"""So many steps are taken at each length of history."""

Notes = Sequence[tuple[float, float]]


async def run_ossia(url: str, *, stream: bool) -> Notes:
    """Wall time and processor time, seconds, at the start of each call."""
    notes: list[tuple[float, float]] = []

    @tool
    async def say(text: str) -> str:
        """Says it."""
        notes.append((time.perf_counter(), time.process_time()))
        return text

    with tempfile.TemporaryDirectory() as journals:
        agent = Agent(
            engine=url, tools=[say], instructions="Be brief.", limits=Limits(steps=STEPS + 2), journal=journals
        )
        async with agent:
            if stream:
                async with agent.stream("Go.") as run:
                    async for _ in run:
                        pass
                    result = await run.result()
            else:
                result = await agent.run("Go.")
    assert result.outcome == "final", result.error
    return notes


@contextlib.contextmanager
def serving() -> Iterator[tuple[str, str]]:
    """The server, in a process of its own; its addresses for chat and for token ids."""
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.agent_frameworks_server", str(STEPS)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        chat, tokens = server.stdout.readline().split()
        yield chat, tokens
    finally:
        server.terminate()
        server.wait()


def notes_of(framework: str, chat: str, tokens: str, *, stream: bool) -> Notes:
    """One run in a fresh process."""
    own = [sys.executable, "-m", "bench.agent_frameworks", "--child", tokens]
    peer = [str(PEERS), str(ROOT / "bench" / "agent_frameworks_peer.py"), framework, chat, str(STEPS)]
    command = [*(own if framework == "ossia" else peer), *(["--stream"] if stream else [])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    notes: Notes = json.loads(done.stdout.splitlines()[-1])
    assert len(notes) == STEPS, (framework, len(notes))
    return notes


def steps(notes: Notes, history: int, clock: int) -> list[float]:
    """Milliseconds of the steps behind `history` others, by one of the two clocks."""
    return [(notes[n + 1][clock] - notes[n][clock]) * 1000 for n in range(history - 1, history - 1 + WINDOW)]


def report(runs: int) -> None:
    print("| framework | mode | clock | " + " | ".join(f"{n} steps, ms" for n in HISTORIES) + " |")
    print("|---|---|---|" + "---|" * len(HISTORIES), flush=True)
    frameworks = ("ossia", "openai-agents", "smolagents")
    with serving() as (chat, tokens):
        for stream in (False, True):
            taken: dict[str, list[Notes]] = {framework: [] for framework in frameworks}
            for _ in range(runs):
                for framework in frameworks:
                    taken[framework].append(notes_of(framework, chat, tokens, stream=stream))
            for framework, (clock, name) in ((f, c) for f in frameworks for c in enumerate(("wall", "processor"))):
                cells = [spread([t for notes in taken[framework] for t in steps(notes, n, clock)]) for n in HISTORIES]
                mode = "streamed" if stream else "run"
                print(f"| {framework} | {mode} | {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="runs of each framework and mode")
    parser.add_argument("--child", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--stream", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(asyncio.run(run_ossia(arguments.child, stream=arguments.stream))))
        return
    if not PEERS.exists():
        parser.error("the peers have an environment of their own: run scripts/peers_env.sh first")
    print(machine())
    report(arguments.runs)


if __name__ == "__main__":
    main()
