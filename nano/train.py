"""Train nano on the CPU: `python -m nano.train --out RUN --minutes 60`. The same command goes on where it stopped."""

import argparse
import random
import signal
import threading
import time
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn.utils import clip_grad_norm_

from nano import start
from nano.batch import Batch
from nano.batches import SHARES, batches
from nano.check import development_report
from nano.config import NanoConfig
from nano.drills import copy_batch, drill_batch
from nano.export import load_core, save_core
from nano.loss import SampledLoss
from nano.model import Nano, fast_dtype, split_parameters
from nano.muon import Muon
from nano.peers import ALONE, Peers, work_together


@dataclass(frozen=True, slots=True)
class Plan:
    """What one training run does."""

    out: Path
    """Directory of the run: `core.safetensors` (averaged weights) and `state.pt` (to go on from)."""
    minutes: float = 60.0
    copy_minutes: float = 5.0
    """Minutes of the first stage: copying and spelling random tokens."""
    rows: int = 40
    """Rows of a batch."""
    python: float = SHARES["python"]
    """Share of the batches that are for python."""
    lr: float = 0.015
    adam_lr: float = 3e-3
    decay: float = 0.1
    """Weight decay of the matrices, per unit of learning rate: it bounds how far they outgrow the frozen table."""
    flat: float = 0.5
    """Share of the time at the full learning rate, before the linear decay to 2 %."""
    average: float = 0.99
    """Decay of the average of the weights, per step."""
    check_minutes: float = 5.0
    threads: int = 2
    """Threads of each process."""
    processes: int = 1
    """Processes that share a batch's rows."""
    seed: int = 0
    init: Path | None = None
    """The core file of an earlier run, to start from its weights."""


class Step(NamedTuple):
    """What one step came to in this process, and what follows it."""

    loss: float
    right: float
    """Share of the targets that were the argmax."""
    check: bool
    end: bool


class Trainer:
    """The state of a run, in one of the processes that train."""

    def __init__(self, plan: Plan, peers: Peers = ALONE) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.peers, self.rng = plan, peers, random.Random(f"{plan.seed} {peers.rank}")
        self.model = initial_model(plan.init)
        self.averaged = deepcopy(self.model)
        parts = split_parameters(self.model)
        self.muon = Muon(parts.matrices, plan.lr, decay=plan.decay)
        self.adam = torch.optim.AdamW(parts.others, lr=plan.adam_lr, betas=(0.9, 0.98), weight_decay=0.0)
        self.loss = SampledLoss()
        self.begun = time.monotonic()
        self.step = self.tokens = self.targets = 0
        if self.state_file.exists():
            self._restore()
        torch.manual_seed(plan.seed + self.step + peers.rank)
        self.feed = batches(self.rng, max(1, plan.rows // peers.count), python=plan.python)

    @property
    def state_file(self) -> Path:
        return self.plan.out / "state.pt"

    @property
    def elapsed(self) -> float:
        """Minutes since the run began."""
        return (time.monotonic() - self.begun) / 60

    def factor(self) -> float:
        """The learning rate's factor: 30 steps of warm-up, flat, then linear down to 2 %."""
        done = self.elapsed / self.plan.minutes
        decay = max(0.02, (1 - done) / (1 - self.plan.flat)) if done > self.plan.flat else 1.0
        return min(1.0, (self.step + 1) / 30) * decay

    def next_batch(self) -> Batch:
        """Drills at first: copying, then spelling too."""
        if self.elapsed >= self.plan.copy_minutes:
            return next(self.feed)
        return (copy_batch if self.elapsed < self.plan.copy_minutes / 2 else drill_batch)(self.rng)

    def update(self, *, check: bool = False, end: bool = False) -> "Step":
        """One step; what the leading process wants to come after it, all processes do."""
        batch = self.next_batch()
        loss, right = self.loss(self.model, batch, fast_dtype())
        (loss + 0.01 * self.model.balance()).backward()  # type: ignore[no-untyped-call]
        factor, checks, ends = self.peers.share(list(self.model.parameters()), (self.factor(), check, end))
        clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self.adam.param_groups:
            group["lr"] = self.plan.adam_lr * factor
        self.muon.step(factor)
        self.adam.step()
        self.model.zero_grad(set_to_none=True)
        self._average()
        self.step += 1
        self.tokens += batch.tokens * self.peers.count
        self.targets += int(batch.learned.sum()) * self.peers.count
        return Step(loss.item(), right, check=bool(checks), end=bool(ends))

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.plan.average, self.step / (self.step + 10))
        for mean, value in zip(self.averaged.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)

    def save(self) -> None:
        """Write the state and the averaged weights; each file changes at once, so that a run may be killed any time."""
        self.plan.out.mkdir(parents=True, exist_ok=True)
        state = {
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "muon": self.muon.buffers,
            "adam": self.adam.state_dict(),
            "permanent": self.loss.permanent,
            "counts": (self.step, self.tokens, self.targets),
            "minutes": self.elapsed,
        }
        partial = self.state_file.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.state_file)
        notes = {"steps": str(self.step), "tokens": str(self.tokens), "minutes": f"{self.elapsed:.1f}"}
        save_core(self.averaged, self.plan.out / "core.safetensors", notes)

    def _restore(self) -> None:
        """Go on from a saved state: weights, optimisers, counts and time; rows are drawn anew from there."""
        state = torch.load(self.state_file)
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        self.muon.buffers = state["muon"]
        self.adam.load_state_dict(state["adam"])
        self.loss.permanent = state["permanent"]
        self.step, self.tokens, self.targets = state["counts"]
        self.begun = time.monotonic() - 60 * state["minutes"]
        self.rng = random.Random(f"{self.plan.seed} {self.step} {self.peers.rank}")

    def check(self, rounds: int = 8) -> None:
        """Check development rows, and keep the tokens that won wrongly as permanent negatives. The leader's work."""
        report = development_report(self.averaged, rounds, seed=self.step)
        self.loss.add(torch.tensor(sorted(report.winners), dtype=torch.long))
        print(f"check: {report.summary()}; {len(self.loss.permanent)} permanent negatives", flush=True)
        for kind, miss in report.misses.items():
            print(f"    {kind}: {miss[-200:]!r}", flush=True)


def initial_model(init: Path | None) -> Nano:
    """A fresh model with a copy circuit, or the weights of an earlier run, with the layers that it lacked."""
    if init is not None:
        return start.deepened(load_core(init), NanoConfig())
    model = Nano(NanoConfig())
    start.look_back(model)
    start.induction(model)
    start.long_induction(model)
    return model


def train(plan: Plan, peers: Peers = ALONE) -> None:
    """Train for `plan.minutes`: print progress, save and check every `plan.check_minutes`. SIGTERM saves and ends."""
    torch.set_num_threads(plan.threads)
    run = Trainer(plan, peers)
    if run.step == 0:
        run.begun = time.monotonic()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    progress, next_check = Progress(run), run.elapsed + plan.check_minutes
    while True:
        step = run.update(check=run.elapsed > next_check, end=stopped.is_set() or run.elapsed > plan.minutes)
        progress.add(step)
        if step.check or step.end:
            if peers.leads:
                run.save()
            if peers.leads and not stopped.is_set():
                run.check(24 if step.end else 8)
            run.loss.permanent = peers.told(run.loss.permanent)
            next_check = run.elapsed + plan.check_minutes
        if step.end:
            break
    if peers.leads:
        print(f"{run.step} steps, {run.tokens} tokens, {run.targets} targets, {run.elapsed:.1f} minutes", flush=True)


class Progress:
    """Prints a line every 25 steps, in the leading process."""

    def __init__(self, run: Trainer) -> None:
        self.run, self.steps = run, list[Step]()
        self.began, self.counted = time.monotonic(), run.tokens

    def add(self, step: Step) -> None:
        self.steps.append(step)
        if len(self.steps) < 25:
            return
        run, now = self.run, time.monotonic()
        if run.peers.leads:
            loss, right = (sum(x) / len(self.steps) for x in list(zip(*self.steps, strict=True))[:2])
            print(
                f"{run.step} {run.elapsed:.1f} min {run.tokens / 1e6:.2f} M tokens"
                f" {(run.tokens - self.counted) / (now - self.began):.0f}/s rate {run.factor():.2f} loss {loss:.4f}"
                f" right {right:.4f} balance {run.model.balance().item():.2f}",
                flush=True,
            )
        self.steps, self.began, self.counted = [], now, run.tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--init", type=Path)
    for name in ("minutes", "copy-minutes", "lr", "adam-lr", "decay", "flat", "average", "check-minutes", "python"):
        parser.add_argument(f"--{name}", type=float, default=argparse.SUPPRESS)
    for name in ("rows", "threads", "processes", "seed"):
        parser.add_argument(f"--{name}", type=int, default=argparse.SUPPRESS)
    plan = Plan(**vars(parser.parse_args()))
    work_together(plan.processes, partial(train, plan))


if __name__ == "__main__":
    main()
