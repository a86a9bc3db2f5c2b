"""Train nano on the CPU: `python -m nano.train --out RUN --minutes 60`. The same command goes on where it stopped."""

import argparse
import random
import signal
import threading
import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.utils import clip_grad_norm_

from nano import start
from nano.batches import SHARES, Batch, batches, copy_batch
from nano.check import development_report
from nano.config import NanoConfig
from nano.export import load_core, save_core
from nano.loss import SampledLoss
from nano.model import Nano, split_parameters
from nano.muon import Muon


@dataclass(frozen=True, slots=True)
class Plan:
    """What one training run does."""

    out: Path
    """Directory of the run: `core.safetensors` (averaged weights) and `state.pt` (to go on from)."""
    minutes: float = 60.0
    copy_minutes: float = 1.0
    """Minutes of the first stage: copying random tokens."""
    rows: int = 40
    """Rows of a batch."""
    python: float = SHARES["python"]
    """Share of the batches that are for python."""
    lr: float = 0.015
    adam_lr: float = 3e-3
    flat: float = 0.5
    """Share of the time at the full learning rate, before the linear decay to 2 %."""
    average: float = 0.99
    """Decay of the average of the weights, per step."""
    check_minutes: float = 5.0
    threads: int = 2
    seed: int = 0
    init: Path | None = None
    """The core file of an earlier run, to start from its weights."""


class Trainer:
    """The state of a run."""

    def __init__(self, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.rng = plan, random.Random(plan.seed)
        self.model = initial_model(plan.init)
        self.averaged = deepcopy(self.model)
        parts = split_parameters(self.model)
        self.muon = Muon(parts.matrices, plan.lr)
        self.adam = torch.optim.AdamW(parts.others, lr=plan.adam_lr, betas=(0.9, 0.98), weight_decay=0.0)
        self.loss = SampledLoss()
        self.begun = time.monotonic()
        self.step = self.tokens = self.targets = 0
        if self.state_file.exists():
            self._restore()
        self.feed = batches(self.rng, plan.rows, python=plan.python)

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
        return copy_batch(self.rng) if self.elapsed < self.plan.copy_minutes else next(self.feed)

    def update(self) -> tuple[float, float]:
        """One step; (loss, share of targets that were the argmax)."""
        batch, factor = self.next_batch(), self.factor()
        loss, right = self.loss(self.model, batch, torch.bfloat16)
        (loss + 0.01 * self.model.balance()).backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self.adam.param_groups:
            group["lr"] = self.plan.adam_lr * factor
        self.muon.step(factor)
        self.adam.step()
        self.model.zero_grad(set_to_none=True)
        self._average()
        self.step += 1
        self.tokens += batch.tokens
        self.targets += int(batch.learned.sum())
        return loss.item(), right

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
        self.rng = random.Random(f"{self.plan.seed} {self.step}")

    def check(self, rounds: int = 8) -> None:
        """Check development rows, and keep the tokens that won wrongly as permanent negatives."""
        report = development_report(self.averaged, rounds, seed=self.step)
        self.loss.add(torch.tensor(sorted(report.winners), dtype=torch.long))
        print(f"check: {report.summary()}; {len(self.loss.permanent)} permanent negatives", flush=True)
        for kind, miss in report.misses.items():
            print(f"    {kind}: {miss[-200:]!r}", flush=True)


def initial_model(init: Path | None) -> Nano:
    """A fresh model with a copy circuit, or the weights of an earlier run."""
    if init is not None:
        return load_core(init)
    model = Nano(NanoConfig())
    start.look_back(model)
    start.induction(model)
    return model


def train(plan: Plan) -> None:
    """Train for `plan.minutes`: print progress, save and check every `plan.check_minutes`. SIGTERM saves and ends."""
    torch.set_num_threads(plan.threads)
    run = Trainer(plan)
    print(f"{sum(p.numel() for p in run.model.parameters())} trained parameters", flush=True)
    if run.step == 0:
        run.begun = time.monotonic()
    next_check, losses, began, counted = run.elapsed + plan.check_minutes, [], time.monotonic(), run.tokens
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    while run.elapsed < plan.minutes and not stopped.is_set():
        losses.append(run.update())
        if run.step % 25 == 0:
            speed = (run.tokens - counted) / (time.monotonic() - began)
            loss, right = (sum(x) / len(losses) for x in zip(*losses, strict=True))
            print(
                f"{run.step} {run.elapsed:.1f} min {run.tokens / 1e6:.2f} M tokens {speed:.0f}/s"
                f" rate {run.factor():.2f} loss {loss:.4f} right {right:.4f} balance {run.model.balance().item():.2f}",
                flush=True,
            )
            losses, began, counted = [], time.monotonic(), run.tokens
        if run.elapsed > next_check:
            run.save()
            run.check()
            next_check = run.elapsed + plan.check_minutes
    run.save()
    if stopped.is_set():
        return
    run.check(24)
    print(f"done: {run.step} steps, {run.tokens} tokens, {run.targets} targets, {run.elapsed:.1f} minutes", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--init", type=Path)
    for name in ("minutes", "copy-minutes", "lr", "adam-lr", "flat", "average", "check-minutes", "python"):
        parser.add_argument(f"--{name}", type=float, default=argparse.SUPPRESS)
    for name in ("rows", "threads", "seed"):
        parser.add_argument(f"--{name}", type=int, default=argparse.SUPPRESS)
    train(Plan(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
