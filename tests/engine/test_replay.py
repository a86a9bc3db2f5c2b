"""`replay:RUN`: recorded completions served again, and refused where the prompt is another one."""

from pathlib import Path

import pytest

from ossia import Agent, Limits, Python, Sampling
from ossia.agent import RunResult, StepEnded, read_journal
from ossia.engine import STOP_TOKEN_IDS, open_engine, sample, samples
from ossia.engine.replay import RecordedCompletion, ReplayEngine
from ossia.errors import EngineError, UserError
from ossia.testing import Script, ScriptedEngine
from tests.cli.conftest import Ossia
from tests.cli.conftest import ossia as ossia
from tests.engine.models import collect

QUESTION = "What is 48213 * 777?"
RETURN, CALL = STOP_TOKEN_IDS
FINAL = "<|channel|>final<|message|>It is 4.<|return|>"
ANSWER = "It is 4.<|return|>"
THOUGHT = "<|channel|>analysis<|message|>Well, that is a question of some depth<|end|>"


def step_ids(run: Path) -> list[tuple[tuple[int, ...], bool, bool]]:
    steps = [event for event in read_journal(run) if isinstance(event, StepEnded)]
    return [(step.token_ids, step.kept, step.forced) for step in steps]


async def record(engine: str | ScriptedEngine, runs: Path, limits: Limits | None = None) -> RunResult:
    async with Agent(engine=engine, tools=[Python()], journal=runs, limits=limits) as agent:
        return await agent.run(QUESTION)


async def record_and_replay(engine: str | ScriptedEngine, runs: Path, limits: Limits | None = None) -> RunResult:
    """What the replay gave, having held it against what was recorded."""
    first = await record(engine, runs, limits)
    second = await record(f"replay:{runs / first.run_id}.jsonl", runs, limits)
    assert step_ids(runs / f"{second.run_id}.jsonl") == step_ids(runs / f"{first.run_id}.jsonl")
    assert (second.outcome, second.limit, second.final, second.forced) == (
        first.outcome,
        first.limit,
        first.final,
        first.forced,
    )
    return second


async def test_a_run_of_nano_with_a_tool_is_served_again(tmp_path: Path) -> None:
    result = await record_and_replay("nano", tmp_path)
    assert result.final is not None
    assert "37461501" in result.final
    assert result.usage.steps == 2


async def test_a_forced_final_is_served_again(tmp_path: Path) -> None:
    result = await record_and_replay("nano", tmp_path, Limits(steps=1, force_final=True))
    assert (result.outcome, result.limit, result.forced) == ("limit", "steps", True)
    assert result.final


@pytest.mark.parametrize(
    ("script", "limits", "steps"),
    [
        # Sampled again, since nothing could be made of the first.
        ([f"{THOUGHT}<|return|>", FINAL], None, 2),
        # Cut off while it thought, by us: how much came with the last chunk belongs to it.
        ([f"{THOUGHT}<|start|>assistant" * 9, ANSWER], Limits(analysis_tokens=20, force_final=True), 2),
        ([f"{THOUGHT}<|start|>assistant" * 9, ANSWER], Limits(tokens=40, force_final=True), 2),
        ([THOUGHT[:-7] + " well" * 2000, FINAL], None, 2),
        ([""], None, 1),
    ],
)
async def test_what_was_discarded_and_what_was_cut_off_comes_again(
    tmp_path: Path, script: Script, limits: Limits | None, steps: int
) -> None:
    await record_and_replay(ScriptedEngine(script, chunk_size=5), tmp_path, limits)
    first = min(tmp_path.glob("*.jsonl"))
    assert len(step_ids(first)) == steps


async def test_the_turns_of_a_session_are_served_from_its_last_run(tmp_path: Path) -> None:
    async def converse(engine: str | ScriptedEngine) -> list[RunResult]:
        async with Agent(engine=engine, journal=tmp_path) as agent, agent.session() as session:
            return [await session.run("What is 2 + 2?"), await session.run("Are you sure?")]

    recorded = await converse(ScriptedEngine([THOUGHT + f"<|start|>assistant{FINAL}", FINAL]))
    replayed = await converse(f"replay:{tmp_path / recorded[-1].run_id}.jsonl")
    assert [result.final for result in replayed] == ["It is 4."] * 2


async def test_a_run_that_met_its_engines_context_is_replayed_with_that_context(tmp_path: Path) -> None:
    run = await record(ScriptedEngine([f"{THOUGHT}<|start|>assistant" * 9], max_context=240), tmp_path)
    assert (run.outcome, run.limit) == ("limit", "context")
    spec = f"replay:{tmp_path / run.run_id}.jsonl"
    options = {"max_context": 240}
    async with Agent(engine=spec, engine_options=options, tools=[Python()], journal=tmp_path) as agent:
        assert (await agent.run(QUESTION)).limit == "context"


async def test_a_prompt_that_differs_is_refused_with_where(tmp_path: Path) -> None:
    run = await record(ScriptedEngine([FINAL]), tmp_path)
    spec = f"replay:{tmp_path / run.run_id}.jsonl"
    async with Agent(engine=spec, tools=[Python()], journal=tmp_path) as agent:
        with pytest.raises(UserError) as caught:
            await agent.run("What is 48213 * 778?")
    text = str(caught.value)
    assert "the run had '777?<|end|>" in text
    assert "this one has '778?<|end|>" in text
    assert "\n" not in text


async def test_a_run_that_goes_another_way_than_the_record_ends_as_infrastructure(tmp_path: Path) -> None:
    code = "<|channel|>analysis to=python code<|message|>import time; print(time.time_ns())<|call|>"
    run = await record(ScriptedEngine([code, FINAL]), tmp_path)
    replayed = await record(f"replay:{tmp_path / run.run_id}.jsonl", tmp_path)
    assert (replayed.outcome, replayed.final) == ("infrastructure", None)
    assert "has no completion for this prompt" in (replayed.error or "")


async def test_the_command_replays_a_run(tmp_path: Path, ossia: Ossia) -> None:
    run = await record(ScriptedEngine([FINAL]), tmp_path / "runs")
    again = ossia("run", "--quiet", "--engine", f"replay:{run.run_id}", "--seed", "3", QUESTION)
    assert again.stdout == "It is 4.\n", again.stderr
    other = ossia("run", "--engine", f"replay:{run.run_id}", "Hello")
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)


def engine(*completions: RecordedCompletion) -> ReplayEngine:
    return ReplayEngine(completions, spec="replay:x", model="m")


ONE = RecordedCompletion((1, 2, 3), (5, 6, RETURN), (-0.5, -1.0, -2.0), "stop")
TWO = RecordedCompletion((1, 2, 3), (7, CALL), (-0.1, -0.2), "stop")
NEXT = RecordedCompletion((1, 2, 3, 7, CALL, 9), (8, RETURN), (-0.3, -0.4), "stop")


async def test_completions_of_one_prompt_come_in_order_and_each_session_from_the_first() -> None:
    replay = engine(ONE, TWO, NEXT)
    both = await samples(replay, ONE.prompt, Sampling(logprobs=True), n=2, key="a")
    assert [(s.token_ids, s.logprobs, s.finish) for s in both] == [
        (ONE.token_ids, ONE.logprobs, "stop"),
        (TWO.token_ids, TWO.logprobs, "stop"),
    ]
    assert (await sample(replay, NEXT.prompt, Sampling(), key="a")).token_ids == NEXT.token_ids
    assert (await sample(replay, ONE.prompt, Sampling(temperature=0.0, seed=9), key="b")).token_ids == ONE.token_ids
    with pytest.raises(EngineError, match="has 2 completions of this prompt and one more was asked for"):
        await samples(replay, ONE.prompt, Sampling(), n=2, key="a")


async def test_max_tokens_cuts_and_the_end_of_a_record_is_not_made_up() -> None:
    cut = await collect(engine(ONE), ONE.prompt, Sampling(max_tokens=2, logprobs=True))
    assert (cut.tokens, cut.finish, cut.logprobs) == ([5, 6], "length", [-0.5, -1.0])
    torn = engine(RecordedCompletion((1, 2), (5, 6), None, None))
    with pytest.raises(EngineError, match="after 2 token ids: the recorded run cut this completion off"):
        await collect(torn, (1, 2), Sampling())


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ((1, 2, 4), "at position 2, where the run had '<3>' and this one has '<4>'"),
        ((1, 2, 3, 4), "at position 3, where the run had its end and this one has"),
        ((1, 2), "and this one has its end"),
    ],
)
async def test_the_position_and_both_sides_are_told(prompt: tuple[int, ...], says: str) -> None:
    show = ReplayEngine([ONE], spec="replay:x", model="m", decode=lambda ids: "".join(f"<{i}>" for i in ids))
    with pytest.raises(UserError, match=says):
        await collect(show, prompt, Sampling())


async def test_what_can_not_be_replayed_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("hello\n")
    for spec, says in [
        ("replay:", "names no run"),
        ("replay:no-such-run", "No journal can be read"),
        (f"replay:{tmp_path / 'empty.jsonl'}", "empty.jsonl is no"),
    ]:
        with pytest.raises(UserError, match=says):
            await open_engine(spec)
    with pytest.raises(UserError, match="did you mean 'max_context'"):
        await open_engine("replay:x", options={"max_contxt": 1})
    with pytest.raises(UserError, match="max_context is 'all'"):
        await open_engine("replay:x", options={"max_context": "all"})
    with pytest.raises(UserError, match="no completion to serve"):
        engine()
    closed = engine(ONE)
    await closed.aclose()
    with pytest.raises(EngineError, match="closed"):
        await collect(closed, ONE.prompt, Sampling())
