"""Structured output: validated objects, one repair round, never a half object."""

from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from ossia.agent import Limits
from ossia.errors import UserError
from tests.agent.conftest import scripted


class City(BaseModel):
    name: str
    population: int = Field(ge=0)


GOOD = '{"name": "Oslo", "population": 717710}'
BAD = '{"name": "Oslo", "population": -1}'


def final(text: str) -> str:
    return f"<|channel|>final<|message|>{text}<|return|>"


async def test_the_answer_is_a_validated_object(runs: Path) -> None:
    agent, engine = scripted([final(GOOD)], runs, output=City)
    async with agent:
        result = await agent.run("Oslo?")
    assert result.output == City(name="Oslo", population=717710)
    assert (result.outcome, result.final) == ("final", GOOD)
    assert "# Response Formats\n\n## City" in engine.calls[0].text


@pytest.mark.parametrize("text", [f"```json\n{GOOD}\n```", GOOD.replace('"', "'"), GOOD[:-1] + ",}"])
async def test_the_usual_mistakes_are_mended(runs: Path, text: str) -> None:
    agent, _ = scripted([final(text)], runs, output=City)
    async with agent:
        assert (await agent.run("Oslo?")).output == City(name="Oslo", population=717710)


async def test_a_wrong_answer_is_asked_for_once_more_with_what_is_wrong(runs: Path) -> None:
    agent, engine = scripted([final(BAD), final(GOOD)], runs, output=City)
    async with agent:
        result = await agent.run("Oslo?")
    assert result.output == City(name="Oslo", population=717710)
    assert "population: Input should be greater than or equal to 0" in engine.calls[1].text


async def test_a_second_wrong_answer_is_invalid_output_and_no_object(runs: Path) -> None:
    agent, _ = scripted([final(BAD), final("Oslo is nice.")], runs, output=City)
    async with agent:
        result = await agent.run("Oslo?")
    assert (result.outcome, result.output, result.final) == ("invalid_output", None, None)
    assert result.error is not None
    assert "not JSON" in result.error


async def test_a_json_schema_serves_too(runs: Path) -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "maxItems": 2}
    agent, engine = scripted([final("[1, 2, 3]"), final("[1, 2]")], runs, output=schema)
    async with agent:
        assert (await agent.run("?")).output == [1, 2]
    assert "is too long" in engine.calls[1].text


async def test_types_that_are_no_models_serve_too(runs: Path) -> None:
    agent, _ = scripted([final('{"a": 1}')], runs, output=dict[str, int])
    async with agent:
        assert (await agent.run("?")).output == {"a": 1}


@pytest.mark.parametrize("output", [{"type": "no such type"}, type("Opaque", (), {})])
def test_what_is_no_form_is_refused(runs: Path, output: object) -> None:
    with pytest.raises(UserError, match="output"):
        scripted([], runs, output=output)


async def test_a_forced_answer_is_validated_too(runs: Path) -> None:
    limits = Limits(step_tokens=6, force_final=True)
    thought = "<|channel|>analysis<|message|>Let me think about this for long.<|end|>"
    agent, _ = scripted([thought, GOOD + "<|return|>"], runs, output=City, limits=limits)
    async with agent:
        result = await agent.run("Oslo?")
    assert (result.forced, result.output) == (True, City(name="Oslo", population=717710))
