"""Whatever the model writes, a run ends in an outcome, and its journal can be read, shown and gone on with."""

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from ossia import Agent, Limits, harmony, tool
from ossia.agent import RunEnded, RunResult, read_journal
from ossia.agent.export import training_records
from ossia.agent.playback import play
from ossia.agent.result import Outcome
from ossia.testing import ScriptedEngine
from tests.agent.conftest import FINAL

OUTCOMES = frozenset[Outcome](("final", "limit", "loop", "malformed", "invalid_output"))


class Answer(BaseModel):
    number: int


@tool
async def add(a: int, b: int = 1) -> int:
    """Adds."""
    return a + b


PIECES = (
    *("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|return|>", "<|call|>", "<|endoftext|>"),
    *(
        "assistant",
        "analysis",
        "commentary",
        "final",
        "user",
        "system",
        "tool",
        " to=functions.add",
        " to=python",
        "json",
    ),
    *('{"a": 1}', '{"a": "x"', '{"number": 4}', "[]", "null", "\x00", "\ud7ff", " ", "\n", "word", "<|fim|>", "4"),
)
ordinary = st.integers(0, harmony.FIRST_SPECIAL - 1)
token = ordinary | st.integers(harmony.FIRST_SPECIAL, harmony.VOCABULARY - 1)
noise = st.lists(token, max_size=60)
structured = st.lists(st.sampled_from(PIECES), max_size=25).map(
    lambda pieces: harmony.encoding().encode("".join(pieces), special=True)
)
scripts = st.lists(noise | structured, min_size=1, max_size=8)


async def run(runs: Path, script: Sequence[Sequence[int]], output: type[BaseModel] | None) -> RunResult:
    """A run on a model that says these things, over and over."""
    engine = ScriptedEngine(lambda prompt: script[len(engine.calls) % len(script)], chunk_size=7)
    limits = Limits(steps=6, tokens=600, force_final=True, final_tokens=50)
    async with Agent(engine=engine, tools=[add], limits=limits, output=output, journal=runs) as agent:
        return await agent.run("Go.")


async def check(script: Sequence[Sequence[int]], output: type[BaseModel] | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        result = await run(Path(folder), script, output)
        assert result.outcome in OUTCOMES
        assert (result.final is not None) or result.outcome != "final" or output is None
        assert result.output is None or isinstance(result.output, Answer)
        (path,) = Path(folder).glob("*.jsonl")
        *_, last = read_journal(path)
        assert isinstance(last, RunEnded)
        assert (last.outcome, last.final) == (result.outcome, result.final)
        assert [playback for playback, _ in play(path)][-1].transcript.segments
        assert all(len(record.token_ids) == len(record.loss_mask) for record in training_records(path))
        await check_cut(path, output)


async def check_cut(path: Path, output: type[BaseModel] | None) -> None:
    """The run without its end goes on, and ends."""
    lines = path.read_bytes().splitlines(keepends=True)
    cut = random.Random(len(lines)).randrange(2, len(lines))
    path.write_bytes(b"".join(lines[:cut]))
    engine = ScriptedEngine(lambda prompt: FINAL.replace("It is 4.", '{"number": 4}'))
    async with Agent(engine=engine, tools=[add], output=output, journal=path.parent) as agent:
        resumed = await agent.resume(path)
    assert resumed.outcome in OUTCOMES


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=scripts, output=st.sampled_from([None, Answer]))
async def test_a_model_of_noise_ends_in_an_outcome(script: list[list[int]], output: type[BaseModel] | None) -> None:
    await check(script, output)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=scripts, output=st.sampled_from([None, Answer]))
async def test_many_models_of_noise_end_in_an_outcome(script: list[list[int]], output: type[BaseModel] | None) -> None:
    await check(script, output)
