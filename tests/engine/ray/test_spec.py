"""What `ray:N*SPEC` may say, and which engine gets which session."""

from collections import Counter

import pytest

from ossia.engine.ray._route import Route
from ossia.engine.ray._spec import Plan, read_plan
from ossia.errors import EngineError, UserError
from ossia.types import JsonValue


def test_a_spec_says_how_many_engines_of_which_kind() -> None:
    options: dict[str, JsonValue] = {"gpus": 0.5, "options": {"max_model_len": 4096}}
    assert read_plan("ray:2*vllm:openai/gpt-oss-20b", options) == Plan(
        "ray:2*vllm:openai/gpt-oss-20b", 2, "vllm:openai/gpt-oss-20b", {"max_model_len": 4096}, None, 1.0, 0.5
    )


@pytest.mark.parametrize(
    ("spec", "options", "says"),
    [
        ("ray:nano", {}, "does not say how many engines of which kind"),
        ("ray:two*nano", {}, "write ray:N[*]SPEC"),
        ("ray:2*", {}, "does not say"),
        ("ray:0*nano", {}, "asks for no engine"),
        ("ray:2*ray:2*nano", {}, "Ray into Ray"),
        ("ray:2*nano", {"gpu": 1}, "did you mean 'gpus'"),
        ("ray:2*nano", {"gpus": -1}, "gpus is -1"),
        ("ray:2*nano", {"options": []}, "holds the options of each engine"),
        ("ray:2*nano", {"address": 1}, "address is 1"),
    ],
)
def test_what_is_wrong_with_a_spec_is_said(spec: str, options: dict[str, JsonValue], says: str) -> None:
    with pytest.raises(UserError, match=says):
        read_plan(spec, options)


def test_sessions_stay_where_they_are_and_only_those_of_a_dead_engine_move() -> None:
    route = Route("ray:4*nano", 4)
    before = {str(i): route.choose(str(i)) for i in range(400)}
    assert before == {key: route.choose(key) for key in before}
    assert min(Counter(before.values()).values()) > 60
    route.lost(2, "it was killed")
    after = {key: route.choose(key) for key in before}
    assert {before[key] for key in before if before[key] != after[key]} == {2}
    for number in (0, 1, 3):
        route.lost(number, "the lights went out")
    with pytest.raises(EngineError, match="has lost all its 4 engines, the last one because the lights went out"):
        route.choose("x")
