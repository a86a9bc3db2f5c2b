"""Processes that train one model apply the same update, and end together."""

from functools import partial
from pathlib import Path

import pytest
import torch

from nano.export import load_core
from nano.peers import ALONE, Peers, work_together
from nano.train import Plan, train


def share_and_tell(folder: Path, peers: Peers) -> None:
    """Gradients of rank + 1, and none of the second parameter."""
    first, second = (torch.nn.Parameter(torch.zeros(3)) for _ in range(2))
    first.grad = torch.full((3,), peers.rank + 1.0)
    notes = peers.share([first, second], (7.0 - peers.rank, 1.0 - peers.rank))
    ids = peers.told(torch.tensor([5, 6]) if peers.leads else torch.tensor([9]))
    torch.save((first.grad, second.grad, notes, ids), folder / str(peers.rank))


def test_gradients_are_averaged_and_the_leader_is_heard(tmp_path: Path) -> None:
    work_together(2, partial(share_and_tell, tmp_path))
    for rank in range(2):
        first, second, notes, ids = torch.load(tmp_path / str(rank))
        assert first.tolist() == [1.5] * 3
        assert second.tolist() == [0.0] * 3
        assert notes == (7.0, 1.0)
        assert ids.tolist() == [5, 6]


def test_one_process_needs_no_other() -> None:
    parameter = torch.nn.Parameter(torch.zeros(2))
    assert ALONE.share([parameter], (3.0,)) == (3.0,)
    assert parameter.grad is None
    assert ALONE.told(torch.tensor([4])).tolist() == [4]


@pytest.mark.slow
def test_two_processes_train_one_model(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plan = Plan(tmp_path, minutes=0.05, copy_minutes=0.0, rows=4, threads=1, processes=2, check_minutes=60)
    work_together(2, partial(train, plan))
    assert "steps" in capfd.readouterr().out
    load_core(tmp_path / "core.safetensors")
