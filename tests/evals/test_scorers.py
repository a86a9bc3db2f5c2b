"""What counts as right."""

import pytest

from ossia.evals import Share, wilson
from ossia.evals.scorers import answers, calls


@pytest.mark.parametrize(
    ("final", "expected", "right"),
    [
        ("The result is 42.", "42", True),
        ("42 is the result of 40 and 2.", "42", False),
        ("The result is 3.2556070001.", "3.255607", True),
        ("The result is 3.2556.", "3.255607", False),
        ("The result is 1e3.", "1000", True),
        ("No idea.", "42", False),
        (None, "42", False),
        ('The result is "olleh".', "olleh", True),
        ("The result is olleho.", "olleh", False),
        ("3, 17, 20", "3, 17, 20", True),
    ],
)
def test_an_answer_is_compared_with_what_is_expected(final: str | None, expected: str, right: bool) -> None:
    assert answers(final, expected) is right


def test_a_call_needs_the_function_and_exactly_its_arguments() -> None:
    assert calls("functions.f", '{"a": "x"}', "f", {"a": "x"})
    assert not calls("functions.g", '{"a": "x"}', "f", {"a": "x"})
    assert not calls("functions.f", '{"a": "x", "b": "y"}', "f", {"a": "x"})
    assert not calls("functions.f", '{"a": ', "f", {"a": "x"})


def test_wilsons_interval_is_that_of_the_paper() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
    assert wilson(0, 0) == (0.0, 1.0)
    assert str(Share(0, 0)) == "-"
