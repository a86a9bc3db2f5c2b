"""An agent's tools in order: functions of one namespace are one tool."""

from collections.abc import Callable
from functools import partial

import pytest

from ossia.errors import UserError
from ossia.tools.functions import FunctionTools, collect, tool
from ossia.tools.protocol import Tool, ToolContext
from ossia.tools.python import Python


@tool
def balance(account: str) -> float:
    """Money."""
    return float(len(account))


@tool(namespace="stock")
def price(name: str) -> float:
    """Price."""
    return float(len(name))


def plain(x: int) -> int:
    """Not decorated."""
    return x


def untyped(x):  # type: ignore[no-untyped-def]
    return x


class Shop:
    def buy(self, name: str) -> str:
        """Buy."""
        return name


def names(*tools: Tool | Callable[..., object]) -> list[tuple[str, ...]]:
    return [t.namespace.recipients for t in collect(tools) if isinstance(t, Tool)]


def test_functions_are_grouped_at_the_place_of_the_first() -> None:
    python = Python()
    assert collect([balance, python, price, plain])[1] is python
    assert names(balance, python, price, plain) == [
        ("functions.balance", "functions.plain"),
        ("python",),
        ("stock.price",),
    ]


def test_plain_functions_methods_and_partials_are_decorated() -> None:
    assert names(plain, Shop().buy) == [("functions.plain", "functions.buy")]
    assert names(partial(plain, x=1)) == [("functions.plain",)]


def test_a_group_given_by_hand_takes_in_the_others_of_its_namespace() -> None:
    collected = collect([FunctionTools([plain], description="Mine."), balance])
    assert len(collected) == 1
    (made,) = collected
    assert isinstance(made, FunctionTools)
    assert made.namespace.description == "Mine."
    assert made.namespace.recipients == ("functions.plain", "functions.balance")
    assert made.namespace.placement == "developer"
    assert made.needs is None


async def test_equal_names_in_two_namespaces_are_two_functions() -> None:
    @tool(name="balance", namespace="stock")
    def stock_balance(account: str) -> str:
        """Stocks."""
        return f"stocks of {account}"

    answers = []
    for made in collect([balance, stock_balance]):
        assert isinstance(made, Tool)
        async with made.open(ToolContext("s", None)) as opened:  # type: ignore[arg-type]
            answers.append((await opened.call(made.namespace.recipients[0], '{"account": "me"}')).text)
    assert answers == ["2.0", "stocks of me"]


def test_twins_and_what_is_no_tool_are_refused() -> None:
    with pytest.raises(UserError, match=r"Two functions are called 'balance'"):
        collect([balance, balance])
    with pytest.raises(UserError, match=r"Python is a class: give an instance of it, `Python\(...\)`"):
        collect([Python])
    with pytest.raises(UserError, match=r"'python' is no tool"):
        collect(["python"])  # type: ignore[list-item]
    with pytest.raises(UserError, match=r"Parameter 'x' of 'untyped' has no annotation"):
        collect([untyped])
    with pytest.raises(UserError, match=r"The namespace 'functions' has no functions"):
        FunctionTools([])
    with pytest.raises(UserError, match=r"'a b' can't be a namespace"):
        FunctionTools([plain], namespace="a b")
