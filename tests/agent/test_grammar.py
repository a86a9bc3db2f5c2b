"""Which completions of a run are held to a grammar: off, on, or those after a malformed one."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import BaseModel

from ossia import Agent, Limits, Sampling, harmony, tool
from ossia.agent import StepEnded
from ossia.agent._grammar import GrammarUse
from ossia.agent.task import load_task
from ossia.engine import Capabilities, Engine
from ossia.engine.nano import NanoEngine
from ossia.errors import UserError
from ossia.testing import ScriptedEngine
from ossia.types import Grammar
from tests.engine.models import random_model

THOUGHT = "<|channel|>analysis<|message|>Hm.<|return|>"
FINAL = "<|channel|>final<|message|>Done.<|return|>"
UNKNOWN = "<|channel|>commentary to=functions.other<|message|>{}<|call|>"
CALL = '<|channel|>commentary to=functions.double<|message|>{"number": 2}<|call|>'


class City(BaseModel):
    name: str


@tool
def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


def holding(script: Sequence[str]) -> ScriptedEngine:
    return ScriptedEngine(script, capabilities=Capabilities(grammar=True))


async def held(script: Sequence[str], runs: Path, use: GrammarUse, **options: object) -> list[Grammar | None]:
    """The grammar of each completion of a run."""
    engine = holding(script)
    async with Agent(engine=engine, tools=[double], grammar=use, journal=runs, **options) as agent:  # type: ignore[arg-type]
        await agent.run("Go on.")
    return [call.grammar for call in engine.calls]


CALLS = harmony.call_grammar([double.namespace])


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("off", [None] * 5),
        ("on", [CALLS] * 5),
        ("after_malformed", [None, CALLS, None, None, CALLS]),
    ],
)
async def test_the_completions_that_are_held(runs: Path, use: GrammarUse, expected: list[Grammar | None]) -> None:
    assert await held([THOUGHT, CALL, CALL, UNKNOWN, FINAL], runs, use) == expected


async def test_an_answer_that_is_asked_for_again_has_to_fit_its_schema(runs: Path) -> None:
    schema = harmony.call_grammar([double.namespace], final_schema=City.model_json_schema())
    good = FINAL.replace("Done.", '{"name": "Ulm"}')
    assert await held([FINAL, good], runs, "after_malformed", output=City) == [None, schema]


async def test_a_forced_answer_has_to_fit_its_schema(runs: Path) -> None:
    script, limits = [CALL, '{"name": "Ulm"}<|return|>'], Limits(steps=1, force_final=True)
    assert await held(script, runs, "after_malformed", output=City, limits=limits) == [
        None,
        harmony.json_grammar(City.model_json_schema()),
    ]
    assert await held(["x", "Done.<|return|>"], runs, "after_malformed", limits=limits) == [None, None]


async def test_the_journal_says_which_were_held(runs: Path) -> None:
    engine = holding([THOUGHT, FINAL])
    async with Agent(engine=engine, journal=runs) as agent, agent.stream("Go on.") as run:
        steps = [event async for event in run if isinstance(event, StepEnded)]
    assert [step.held for step in steps] == [False, True]
    lines = [json.loads(line) for line in next(runs.glob("*.jsonl")).read_text().splitlines()]
    assert [line["held"] for line in lines if line["type"] == "step_ended"] == [False, True]


async def test_an_engine_without_grammars_is_used_without_them_unless_they_are_asked_for(runs: Path) -> None:
    engine = ScriptedEngine([THOUGHT, FINAL])
    async with Agent(engine=engine, journal=runs) as agent:
        assert (await agent.run("Go on.")).outcome == "final"
    with pytest.raises(UserError, match="scripted takes no grammar"):
        async with Agent(engine=engine, grammar="on", journal=runs):
            pass


def test_other_words_are_refused() -> None:
    with pytest.raises(UserError, match="'off', 'on', 'after_malformed'"):
        Agent(grammar="always")  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "use"), [("off", "off"), ("on", "on"), ("after_malformed", "after_malformed")])
def test_a_task_file_says_it_too(tmp_path: Path, text: str, use: str) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(f"agent: {{grammar: {text}}}\ninput: Hello\n")
    assert load_task(path).config.agent.grammar == use


@pytest.fixture
def babbler() -> Engine:
    """Random weights over the whole vocabulary, in which control tokens are likely."""
    model = random_model(seed=3, vocab_size=harmony.VOCABULARY)
    ends = [harmony.END, harmony.CALL, harmony.RETURN, harmony.MESSAGE, harmony.CHANNEL, harmony.CONSTRAIN]
    model._unembed[:, [*ends, *harmony.encoding().encode("}")]] *= 16
    return NanoEngine(model)


async def test_a_random_model_makes_usable_steps_after_its_first_malformed_one(babbler: Engine, runs: Path) -> None:
    limits, sampling = Limits(steps=3, step_tokens=100), Sampling(seed=2)
    agent = Agent(engine=babbler, tools=[double], limits=limits, sampling=sampling, journal=runs)
    async with agent, agent.stream("Go on.") as run:
        steps = [event async for event in run if isinstance(event, StepEnded)]
    assert any(step.held for step in steps)
    assert all(step.kept for step in steps if step.held and step.finish == "stop")
    assert not any(step.kept for step in steps if not step.held)
    await babbler.aclose()


class Branch(BaseModel):
    """A schema with a regular expression that the grammar's compiler doesn't know."""

    name: str
    model_config = {"json_schema_extra": {"properties": {"name": {"type": "string", "pattern": "(?=a)b"}}}}


async def test_a_grammar_that_cannot_be_compiled_is_left_out_and_told(babbler: Engine, runs: Path) -> None:
    options: dict[str, object] = {"limits": Limits(steps=1, step_tokens=20), "output": Branch, "journal": runs}
    async with Agent(engine=babbler, sampling=Sampling(seed=1), **options) as agent:  # type: ignore[arg-type]
        result = await agent.run("Go on.")
    assert "not held to the call grammar" in result.notes[0]
    async with Agent(engine=babbler, grammar="on", **options) as agent:  # type: ignore[arg-type]
        with pytest.raises(UserError, match="can't be compiled"):
            await agent.run("Go on.")
    await babbler.aclose()
