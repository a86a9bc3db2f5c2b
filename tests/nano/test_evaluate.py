"""How cases are played and figures are given."""

import random

import pytest

from nano.evaluate import Case, follow_up, solve, talk
from nano.rows import call, final, thought
from ossia.engine import Sampling
from ossia.evals import wilson
from ossia.testing import ScriptedEngine


def right(case: Case) -> list[str]:
    """What a perfect model writes."""
    texts = []
    for task in case.tasks:
        texts += [f"{thought(task.analysis)}<|start|>assistant{call(task.code)}", final(task.answer)]
    return texts


async def test_a_perfect_model_is_right() -> None:
    case = follow_up(random.Random(1), "dev")
    answer = await solve(ScriptedEngine(right(case)), case, Sampling(), "key")
    assert answer.call
    assert answer.final


@pytest.mark.parametrize("wrong", [2, 3])
async def test_a_wrong_cell_or_final_is_wrong(wrong: int) -> None:
    case = follow_up(random.Random(1), "dev")
    texts = right(case)
    texts[wrong] = texts[wrong].replace(case.tasks[-1].code, "print(0)").replace("The result is", "It is")
    answer = await solve(ScriptedEngine(texts), case, Sampling(), "key")
    assert answer.call == (wrong == 3)
    assert not answer.final


async def test_a_call_in_small_talk_is_wrong() -> None:
    case = talk(random.Random(1), "dev")
    answer = await solve(ScriptedEngine([call("print(1)")]), case, Sampling(), "key")
    assert not answer.call
    assert not answer.final


def test_the_interval_is_wilsons() -> None:
    low, high = wilson(81, 263)  # Newcombe 1998, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
