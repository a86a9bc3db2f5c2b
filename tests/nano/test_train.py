"""A run that was stopped goes on where it was."""

from pathlib import Path

import pytest
import torch

from nano.train import Plan, Trainer


@pytest.mark.slow
def test_a_run_goes_on_from_its_state(tmp_path: Path) -> None:
    torch.manual_seed(0)
    plan = Plan(out=tmp_path, copy_minutes=0.0, rows=3, minutes=60.0)
    first = Trainer(plan)
    for _ in range(2):
        first.update()
    first.save()
    again = Trainer(plan)
    assert (again.step, again.tokens, again.targets) == (2, first.tokens, first.targets)
    assert abs(again.elapsed - first.elapsed) < 0.5
    for mine, theirs in zip(again.averaged.parameters(), first.averaged.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    for buffer, other in zip(again.muon.buffers, first.muon.buffers, strict=True):
        assert torch.equal(buffer, other)
    again.update()
    assert again.step == 3
    assert (tmp_path / "core.safetensors").exists()
