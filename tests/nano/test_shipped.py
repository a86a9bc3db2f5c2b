"""The shipped weights answer what the model card says they answer, by themselves and greedily."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from nano.evaluate import Case, solve
from nano.numbers import KINDS
from nano.rows import Task
from nano.talk import CANNOT, GREETING
from ossia.engine import Engine, Sampling, open_engine

GREEDY = Sampling(temperature=0.0, max_tokens=160)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nano() -> AsyncIterator[Engine]:
    engine = await open_engine("nano")
    yield engine
    await engine.aclose()


def asked(question: str, operator: str, code: str, result: str) -> Task:
    return Task("arithmetic", question, KINDS.get(operator, "value"), code, result)


ASKED = [
    asked("What is 48213 * 777?", "*", "print(48213 * 777)", "37461501"),
    asked("5+5", "+", "print(5 + 5)", "10"),
    asked("What is 2**64?", "**", "print(2 ** 64)", "18446744073709551616"),
    asked("Multiply 4821 by 777", "*", "print(4821 * 777)", "3745917"),
    asked("hey, could you compute 123456 * 654321 please?", "*", "print(123456 * 654321)", "80779853376"),
    asked("(12 + 7) * 3", "", "print((12 + 7) * 3)", "57"),
    asked("How much is 17 divided by 4?", "/", "print(round(17 / 4, 6))", "4.25"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("task", ASKED, ids=lambda task: task.question)
async def test_a_question_is_answered(nano: Engine, task: Task) -> None:
    answer = await solve(nano, Case("arithmetic", (task,)), GREEDY, task.question)
    assert answer.final, answer.wrote


@pytest.mark.asyncio(loop_scope="module")
async def test_a_second_question_is_not_mixed_up_with_the_first(nano: Engine) -> None:
    answer = await solve(nano, Case("second turn", (ASKED[0], ASKED[3])), GREEDY, "two turns")
    assert answer.final, answer.wrote


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("said", "answered"), [("Hello", GREETING), ("What is the capital of France?", CANNOT)])
async def test_small_talk_needs_no_tool(nano: Engine, said: str, answered: str) -> None:
    answer = await solve(nano, Case("talk", (Task("talk", said, "", "", answered),)), GREEDY, said)
    assert answer.final, answer.wrote
