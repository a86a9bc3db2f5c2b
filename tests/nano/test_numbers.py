"""Expressions and questions: right results, and nothing that is held out is ever trained on."""

import ast
import random

import pytest

from nano import questions
from nano.numbers import LONGEST_RESULT, Expression, Split, expression
from nano.phrasings import ask
from nano.rows import Row, arithmetic_task, python_row


def value(node: ast.expr) -> int | float:
    """The value of an expression of integers, without `eval`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    assert isinstance(node, ast.BinOp)
    a, b = value(node.left), value(node.right)
    match node.op:
        case ast.Add():
            return a + b
        case ast.Sub():
            return a - b
        case ast.Mult():
            return a * b
        case ast.Div():
            return a / b
        case ast.FloorDiv():
            return a // b
        case ast.Mod():
            return a % b
        case ast.Pow():
            power: int | float = a**b
            return power
    raise AssertionError(ast.dump(node))


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_results_are_what_python_says(split: Split) -> None:
    rng = random.Random(1)
    for _ in range(200):
        found = expression(rng, split)
        exact = value(ast.parse(found.text, mode="eval").body)
        assert found.result == str(round(exact, 6) if "/" in found.operators else exact)
        assert len(found.result) <= LONGEST_RESULT


def test_a_question_names_every_operand() -> None:
    rng = random.Random(2)
    for _ in range(500):
        found = expression(rng, "train")
        question = ask(rng, found)
        named = question.replace("squared", "2").replace("cubed", "3")
        assert all(str(operand) in named for operand in found.operands), (question, found)


def test_the_splits_are_apart() -> None:
    rng = random.Random(3)
    drawn: dict[Split, set[str]] = {s: {expression(rng, s).text for _ in range(300)} for s in ("train", "dev", "test")}
    assert not drawn["train"] & drawn["test"]
    assert not drawn["train"] & drawn["dev"]
    assert not drawn["dev"] & drawn["test"]


def test_the_held_out_file_is_what_its_seed_makes() -> None:
    assert questions.read() == questions.held_out(400, questions.HELD_OUT_SEED)
    assert len({question for question, _ in questions.read()}) == 400


def test_no_held_out_expression_is_in_a_training_row(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Expression] = []

    def watched(rng: random.Random, split: Split) -> Expression:
        seen.append(expression(rng, split))
        return seen[-1]

    monkeypatch.setattr("nano.rows.expression", watched)
    rng = random.Random(4)
    rows: list[Row] = [python_row(rng, arithmetic_task(rng, "train"), "train") for _ in range(300)]
    assert len(seen) > len(rows)  # the histories' too
    assert {found.split for found in seen} == {"train"}
