"""Results are kept one by one, and gone on with."""

from pathlib import Path

import pytest

from ossia.errors import UserError
from ossia.evals import Results, Sample, Verdict, run_samples, summarize
from ossia.evals.verdict import Status

ABOUT = {"eval": "e", "dataset": "hash"}


def made(name: str, status: Status = "correct") -> Verdict:
    return Verdict(name, "f", status, {} if status == "infrastructure" else {"answer": status == "correct"})


def samples(n: int) -> list[Sample]:
    return [Sample(f"s{i}", "f", "?", {}) for i in range(n)]


async def test_only_what_is_missing_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with Results(path, ABOUT) as results:
        results.add(made("s0"))
        results.add(made("s1", "infrastructure"))
        results.add(made("s2", "incorrect"))
    asked = []

    async def solve(sample: Sample) -> Verdict:
        asked.append(sample.id)
        return made(sample.id)

    with Results(path, ABOUT) as results:
        await run_samples(samples(5), solve, results, at_once=2)
    assert asked == ["s1", "s3", "s4"]
    with Results(path, ABOUT) as again:
        (line,) = summarize(again.done.values())
    assert (line.share.hits, line.share.n, line.infrastructure) == (4, 5, 0)


def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with Results(path, ABOUT) as results:
        results.add(made("s0"))
        results.add(made("s1"))
    path.write_text(path.read_text()[:-20])
    with Results(path, ABOUT) as results:
        assert list(results.done) == ["s0"]
        results.add(made("s1"))
    with Results(path, ABOUT) as results:
        assert list(results.done) == ["s0", "s1"]


def test_results_of_something_else_are_not_gone_on_with(tmp_path: Path) -> None:
    Results(tmp_path / "r.jsonl", ABOUT).__exit__(None, None, None)
    with pytest.raises(UserError, match="dataset = 'hash', not 'other'"):
        Results(tmp_path / "r.jsonl", {**ABOUT, "dataset": "other"})


def test_infrastructure_is_left_out_of_a_share() -> None:
    (line,) = summarize([made("a"), made("b", "incorrect"), made("c", "infrastructure")])
    assert (line.share.hits, line.share.n, line.infrastructure) == (1, 2, 1)
