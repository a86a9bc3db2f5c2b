"""The benchmarks of nano: results of other weights are not gone on with."""

import argparse
from pathlib import Path

import pytest

from bench import nano_random, nano_yardstick
from nano.weights import open_core
from ossia.errors import UserError
from ossia.evals import EVALS

OTHER = '{"weights": "of another nano"}\n'


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name in ("nano-python", "random"):
        (tmp_path / f"{name}.jsonl").write_text(OTHER)
    return tmp_path


async def test_the_yardstick_refuses_results_of_other_weights(results: Path) -> None:
    given = argparse.Namespace(core=None, limit=1, results=results, sandbox="docker", temperature=0.0, at_once=1)
    engine = open_core()
    try:
        with pytest.raises(UserError, match="weights"):
            await nano_yardstick.measure(EVALS["nano-python"], engine, given)
    finally:
        await engine.aclose()


async def test_random_prompts_refuse_results_of_other_weights(results: Path) -> None:
    file = results / "random.jsonl"
    given = argparse.Namespace(core=None, n=1, results=file, sandbox="docker", temperature=1.0, at_once=1)
    with pytest.raises(UserError, match="weights"):
        await nano_random.run_all(given)
    assert file.read_text() == OTHER


def test_random_prompts_are_the_same_each_time_and_none_is_blank() -> None:
    assert nano_random.prompts(50) == nano_random.prompts(60)[:50]
    assert all(text.strip() for text in nano_random.prompts(300))
