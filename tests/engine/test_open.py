"""Opening an engine by its spec."""

import pytest

from ossia.engine import Engine, open_engine
from ossia.engine.nano import NanoEngine
from ossia.errors import UserError
from ossia.testing import ScriptedEngine
from tests.engine.models import random_model


async def test_an_opened_engine_is_taken_as_it_is() -> None:
    engine = NanoEngine(random_model())
    assert await open_engine(engine) is engine
    await engine.aclose()


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("nan", "did you mean 'nano'"),
        ("NANO2", "did you mean 'nano'"),
        ("vlm:openai/gpt-oss-20b", "did you mean 'vllm'"),
        ("gpt-4", "there is no engine 'gpt-4'"),
        ("", "there is no engine ''"),
    ],
)
async def test_what_is_no_engine_of_this_version_is_refused_in_one_sentence(spec: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        await open_engine(spec)
    assert "nano" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_engines_keep_the_protocol() -> None:
    engines: list[Engine] = [NanoEngine(random_model()), ScriptedEngine([])]
    assert all(isinstance(engine, Engine) for engine in engines)


async def test_an_option_that_the_engine_does_not_have_is_refused() -> None:
    with pytest.raises(UserError, match="nano has no option 'thread'"):
        await open_engine("nano", options={"thread": 1})
    with pytest.raises(UserError, match="there is no engine 'nano:big'"):
        await open_engine("nano:big")
