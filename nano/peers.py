"""Processes that train one model: each computes its own rows, all of them apply the mean of the gradients.

On a CPU two processes of one thread each do more than one process of two, since most operations are small.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True, slots=True)
class Peers:
    """This process among those that train. One alone needs no communication."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def share(self, parameters: list[nn.Parameter], notes: tuple[float, ...]) -> tuple[float, ...]:
        """Make every gradient its mean over the processes; the leader's `notes`, so that all go by them."""
        if self.count == 1:
            return notes
        said = torch.tensor(notes) if self.leads else torch.zeros(len(notes))
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([*(grad.flatten() / self.count for grad in grads), said])
        distributed.all_reduce(flat)
        at = 0
        for parameter in parameters:
            parameter.grad = flat[at : at + parameter.numel()].view(parameter.shape)
            at += parameter.numel()
        return tuple(flat[at:].tolist())

    def told(self, ids: Tensor) -> Tensor:
        """The leader's token ids."""
        if self.count == 1:
            return ids
        held = [ids]
        distributed.broadcast_object_list(held)
        return held[0]


ALONE = Peers()


def work_together(count: int, work: Callable[[Peers], None]) -> None:
    """Run `work` in this process, which leads, and in `count - 1` more; these end with this one."""
    if count == 1:
        work(ALONE)
        return
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder, "meeting")
        context = multiprocessing.get_context("spawn")
        others = [
            context.Process(target=_join, args=(meeting, Peers(rank, count), work), daemon=True)
            for rank in range(1, count)
        ]
        for other in others:
            other.start()
        _join(meeting, Peers(0, count), work)
        for other in others:
            other.join(timeout=60)


def _join(meeting: Path, peers: Peers, work: Callable[[Peers], None]) -> None:
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=peers.rank, world_size=peers.count)
    try:
        work(peers)
    finally:
        distributed.destroy_process_group()
