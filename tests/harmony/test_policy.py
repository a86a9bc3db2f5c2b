"""Which completions are accepted, sampled again, or answered."""

import pytest

from ossia import harmony
from tests.harmony.tokens import parse

C, M = "<|channel|>", "<|message|>"


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        (f"{C}final{M}Hi<|return|>", "well_formed"),
        (f"{C}analysis to=python code{M}1<|call|>", "well_formed"),
        (f"{C}commentary?{M}I look.<|end|><|start|>assistant{C}analysis to=python code{M}1<|call|>", "repaired"),
        (f"{C}final{M}Hi<|end|><|start|>user{M}More?<|end|>", "repaired"),
        (f"{C}analysis to=apply_patch code{M}x<|call|>", "undeclared_call"),
        ("<|return|>", "empty"),
        (f"{C}analysis{M}hm<|return|>", "no_action"),
        (f"{C}final{M} <|return|>", "no_action"),
        (f"{M}Hello<|return|>", "no_action"),
        (f"{C}commentary <|constrain|>json{M}{{}}<|call|>", "call_without_recipient"),
        (f"{C}analysis{M}hm", "truncated"),
        (f"{C}final{M}hm", "truncated"),
        (f"{C}analysis to=python code{M}print(", "truncated"),
        ("", "truncated"),
    ],
)
def test_conditions(text: str, condition: harmony.Condition) -> None:
    assert harmony.diagnose(parse(text)) == condition


def test_default_policy() -> None:
    policy = harmony.ResamplePolicy(attempts=2)
    assert [policy.action("no_action", n) for n in range(3)] == ["resample", "resample", "stop"]
    assert policy.action("undeclared_call", 0) == "answer"
    assert policy.action("bad_arguments", 0) == "answer"
    assert policy.action("truncated", 0) == "stop"
    assert policy.action("repaired", 5) == policy.action("well_formed", 0) == "accept"


def test_a_policy_of_ones_own() -> None:
    strict = harmony.ResamplePolicy(attempts=1, actions={"repaired": "resample"})
    assert strict.action("repaired", 0) == "resample"
    assert strict.action("repaired", 1) == "stop"
    assert strict.action("empty", 0) == "resample"
