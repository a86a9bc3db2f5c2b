"""The probes of `ossia doctor`: an engine that keeps its promises, and engines that break one each."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from ossia.cli._doctor import Finding, examine_engine, exit_code
from ossia.cli._doctor.engine import PROBES, examine_spec
from ossia.cli._doctor.finding import bounded
from ossia.engine import Engine, open_engine
from ossia.testing import ScriptedEngine
from tests.cli import misbehaving as bad


@pytest.fixture
async def nano() -> AsyncIterator[Engine]:
    engine = await open_engine("nano")
    yield engine
    await engine.aclose()


async def findings(engine: Engine, seconds: float = 60.0) -> dict[str, Finding]:
    return {finding.what: finding async for finding in examine_engine(engine, seconds)}


@pytest.mark.parametrize(
    ("engine", "probe", "state", "says"),
    [
        (bad.TextIn, "token ids in", "wrong", "were taken for the same"),
        (bad.TextInUncached, "token ids in", "wrong", "with the same probabilities"),
        (bad.GoesOn, "stops at <|return|>", "wrong", "it went on for 2 ids behind 200002"),
        (bad.GoesOn, "stops at <|call|>", "wrong", "it went on for 2 ids behind 200012"),
        (bad.DropsStopId, "stops at <|return|>", "wrong", "no stop id"),
        (bad.SaysLength, "stops at <|call|>", "wrong", "its finish is 'length'"),
        (bad.TellsNoCache, "cached tokens", "absent", "not told"),
        (bad.TellsNoCache, "prefix cache", "unmeasured", "does not tell"),
        (bad.NoCache, "prefix cache", "wrong", "each step pays for its whole prompt"),
        (bad.KeepsPromptsOnly, "prefix cache", "wrong", "none of what the model wrote"),
        (bad.ThinksLessAtHigh, "effort", "wrong", "the other way round"),
        (bad.ZeroLogprobs, "logprobs", "wrong", "no log probabilities"),
        (bad.FewLogprobs, "logprobs", "wrong", "for 16 ids"),
        (bad.IgnoresGrammar, "grammar", "wrong", "noise gave"),
        (bad.SlowToAbort, "abort", "wrong", "it took 2."),
        (bad.CutsLongPrompts, "context", "wrong", "cut unseen"),
        (bad.CutsLongPrompts, "bad ids", "wrong", "is taken"),
        (bad.DiesOfAbort, "abort", "failed", "the engine died"),
        (bad.RefusesAll, "completion", "wrong", "no"),
    ],
)
async def test_a_broken_promise_is_found(
    nano: Engine, engine: type[bad.Misbehaving], probe: str, state: str, says: str
) -> None:
    finding = await bounded(probe, PROBES[probe](engine(nano)), 60.0)
    assert (finding.what, finding.state) == (probe, state), finding
    assert says in finding.found
    assert finding.advice or state in ("unmeasured", "failed") or probe == "completion"
    assert exit_code([finding]) == {"wrong": 1, "failed": 3}.get(state, 0)


async def test_an_engine_whose_ids_are_always_those_of_a_tokenizer_is_found() -> None:
    engine = ScriptedEngine(lambda _: "It is a long story, and it goes on and on. " * 10)
    finding = await PROBES["token ids out"](engine)
    assert (finding.state, "just those that their text is tokenized to" in finding.found) == ("wrong", True)


async def test_a_lost_engine_ends_the_probes(nano: Engine) -> None:
    found = await findings(bad.DiesAfterOne(nano))
    assert [(finding.what, finding.state) for finding in found.values()] == [
        ("completion", "ok"),
        ("token ids in", "failed"),
        ("engine", "failed"),
    ]
    assert found["token ids in"].found == "the engine died"
    assert found["engine"].found == "it does not answer since the probe 'token ids in'; the others were not made"
    assert exit_code(found.values()) == 3


async def test_an_engine_that_hangs_is_left_after_a_while(nano: Engine) -> None:
    started = time.monotonic()
    found = await findings(bad.Hangs(nano), seconds=0.3)
    assert time.monotonic() - started < 5
    assert [(finding.what, finding.state) for finding in found.values()] == [
        ("completion", "failed"),
        ("engine", "failed"),
    ]
    assert "no answer within 0.3 s" in found["completion"].found
    assert len(asyncio.all_tasks()) == 1


async def test_an_engine_without_a_model_is_not_measurable() -> None:
    engine = ScriptedEngine(lambda _: "<|channel|>final<|message|>Hello.<|return|>")
    found = await findings(engine)
    states = {what: finding.state for what, finding in found.items()}
    assert states["stops at <|call|>"] == states["token ids out"] == states["abort"] == "unmeasured"
    assert (states["grammar"], states["cached tokens"]) == ("absent", "absent")
    assert engine.active == 0


async def test_a_spec_that_names_no_engine_is_refused() -> None:
    rows = [finding async for finding in examine_spec("nanno", 5.0)]
    assert [row.state for row in rows] == ["refused"]
    assert "did you mean 'nano'" in rows[0].found
    assert exit_code(rows) == 2
