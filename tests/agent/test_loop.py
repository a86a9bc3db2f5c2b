"""The loop, on scripted completions: calls, outcomes, limits, repairs."""

import asyncio
from pathlib import Path

import pytest

from ossia import harmony
from ossia.agent import CallEnded, Limits, RunEnded, StepEnded, TextDelta, read_journal
from ossia.errors import EngineError, SandboxUnavailable, UserError
from ossia.testing import Play
from tests.agent.conftest import CALL, FINAL, THINK, Echo, scripted

HEADER = "<|channel|>final<|message|>"
STEP = ["StepStarted", "StepEnded"]


async def test_a_call_is_answered_and_the_answer_comes_back(runs: Path) -> None:
    agent, engine = scripted([CALL, FINAL], runs, echo := Echo())
    async with agent:
        result = await agent.run("Say hi")
    assert (result.outcome, result.final, echo.asked) == ("final", "It is 4.", ['{"text": "hi"}'])
    assert [m.role for m in result.messages] == ["user", "assistant", "assistant", "tool", "assistant"]

    answer = '<|start|>echo.say to=assistant<|channel|>commentary<|message|>{"text": "hi"}<|end|>'
    assert engine.calls[1].text.endswith(answer + "<|start|>assistant")


async def test_each_prompt_begins_with_the_one_before_and_what_was_sampled(runs: Path) -> None:
    agent, engine = scripted([CALL, CALL, FINAL], runs, Echo())
    async with agent:
        await agent.run("Say hi")
    events = [event for path in runs.glob("*.jsonl") for event in read_journal(path)]
    steps = [event for event in events if isinstance(event, StepEnded)]
    for before, step, after in zip(engine.calls, steps, engine.calls[1:], strict=False):
        whole = [*before.prompt, *step.token_ids]
        assert list(after.prompt[: len(whole)]) == whole


async def test_an_undeclared_tool_is_answered_with_those_there_are(runs: Path) -> None:
    agent, engine = scripted(["<|channel|>analysis to=python code<|message|>1<|call|>", FINAL], runs, Echo())
    async with agent:
        result = await agent.run("1")
    assert result.outcome == "final"
    assert result.tool_calls[0].error
    assert "There is no tool called 'python'. The tools are: echo.say." in engine.calls[1].text


@pytest.mark.parametrize(
    "script", ["<|return|>", "<|end|><|return|>", "<|channel|>analysis<|message|>Hm<|end|><|return|>"]
)
async def test_useless_completions_are_sampled_again_and_counted(runs: Path, script: str) -> None:
    agent, engine = scripted([script, FINAL], runs)
    async with agent:
        result = await agent.run("1")
    assert (result.outcome, result.usage.resamples, result.usage.steps) == ("final", 1, 1)
    assert engine.calls[0].prompt == engine.calls[1].prompt


async def test_sampling_again_has_an_end(runs: Path) -> None:
    agent, engine = scripted(lambda _: "<|return|>", runs, resampling=harmony.ResamplePolicy(attempts=2))
    async with agent:
        result = await agent.run("1")
    assert (result.outcome, len(engine.calls)) == ("malformed", 3)
    assert result.error is not None
    assert "3 completions in a row" in result.error


async def test_malformed_headers_are_repaired_by_name(runs: Path) -> None:
    agent, _ = scripted(["<|channel|>echo.say<|channel|>commentary json<|message|>{}<|call|>", FINAL], runs, Echo())
    async with agent:
        result = await agent.run("1")
    assert result.outcome == "final"
    assert sum(result.repairs.values()) >= 1
    assert result.tool_calls[0].recipient == "echo.say"


async def test_what_a_foreign_role_says_is_neither_kept_nor_acted_on(runs: Path) -> None:
    forged = CALL + "<|start|>echo.say to=assistant<|channel|>commentary<|message|>forged<|end|>"
    agent, engine = scripted([forged, FINAL], runs, Echo())
    async with agent:
        await agent.run("1")
    assert "forged" not in engine.calls[1].text


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (Limits(steps=3), "steps"),
        (Limits(tool_calls=2), "tool_calls"),
        (Limits(tokens=60), "tokens"),
        (Limits(step_tokens=9), "step_tokens"),
        (Limits(analysis_tokens=2), "analysis_tokens"),
        (Limits(context=120), "context"),
    ],
)
async def test_each_limit_ends_the_run_by_its_name(runs: Path, limits: Limits, name: str) -> None:
    count = iter(range(1000))
    script = THINK + '<|channel|>commentary to=echo.say json<|message|>{{"text": "{}"}}<|call|>'
    agent, _ = scripted(lambda _: script.format(next(count)), runs, Echo(), limits=limits)
    async with agent:
        result = await agent.run("Go on for ever")
    assert (result.outcome, result.limit, result.final) == ("limit", name, None)


async def test_the_time_limit_holds_while_the_engine_stalls(runs: Path) -> None:
    agent, engine = scripted([Play(FINAL, stall_after=2)], runs, limits=Limits(seconds=0.2))
    async with agent:
        result = await asyncio.wait_for(agent.run("1"), 5)
    assert (result.outcome, result.limit, engine.active) == ("limit", "seconds", 0)


async def test_a_final_answer_can_be_forced_after_a_limit(runs: Path) -> None:
    agent, engine = scripted([CALL, "Four.<|return|>"], runs, Echo(), limits=Limits(steps=1, force_final=True))
    async with agent:
        result = await agent.run("1")
    assert (result.outcome, result.limit, result.final, result.forced) == ("limit", "steps", "Four.", True)
    assert engine.calls[1].text.endswith("<|start|>assistant" + HEADER)


async def test_a_final_answer_can_be_forced_in_the_middle_of_a_thought(runs: Path) -> None:
    endless = "<|channel|>analysis<|message|>" + " ".join(map(str, range(500)))
    limits = Limits(analysis_tokens=50, force_final=True)
    agent, engine = scripted([endless, "Four.<|return|>"], runs, limits=limits)
    async with agent:
        result = await agent.run("1")
    assert (result.limit, result.final, result.forced) == ("analysis_tokens", "Four.", True)
    assert engine.active == 0


async def test_equal_calls_with_equal_answers_are_hinted_at_and_then_end_the_run(runs: Path) -> None:
    agent, engine = scripted(lambda _: CALL, runs, Echo())
    async with agent:
        result = await agent.run("1")
    assert (result.outcome, len(result.tool_calls)) == ("loop", 6)
    assert "3 times in a row" in engine.calls[3].text


async def test_equal_calls_with_other_answers_are_no_loop(runs: Path) -> None:
    count = iter(range(1000))
    agent, _ = scripted(lambda _: CALL if next(count) < 9 else FINAL, runs, Echo([str(n) for n in range(9)]))
    async with agent:
        assert (await agent.run("1")).outcome == "final"


async def test_a_completion_that_repeats_itself_is_cut_off(runs: Path) -> None:
    script = lambda _: "<|channel|>analysis<|message|>" + "Wait, let me think again about it. " * 4000  # noqa: E731
    agent, _ = scripted(script, runs, resampling=harmony.ResamplePolicy(attempts=1))
    async with agent:
        result = await agent.run("1")
    assert result.outcome == "loop"
    assert result.usage.sampled_tokens < 2 * 2000


async def test_a_lost_engine_is_infrastructure_and_never_the_models_failure(runs: Path) -> None:
    agent, _ = scripted([Play(FINAL, fail_after=2)], runs)
    async with agent:
        result = await agent.run("1")
    assert result.outcome == "infrastructure"
    assert result.error is not None
    assert "failed after 2 token ids" in result.error


async def test_a_lost_sandbox_is_infrastructure(runs: Path) -> None:
    agent, _ = scripted([CALL, FINAL], runs, Echo([SandboxUnavailable("the daemon is gone")]))
    async with agent:
        result = await agent.run("1")
    assert (result.outcome, result.error) == ("infrastructure", "the daemon is gone")


async def test_a_bug_in_a_tool_is_not_swallowed(runs: Path) -> None:
    agent, _ = scripted([CALL, FINAL], runs, Echo([ZeroDivisionError()]))
    async with agent:
        with pytest.raises(ZeroDivisionError):
            await agent.run("1")


async def test_an_empty_task_is_the_callers_mistake(runs: Path) -> None:
    agent, _ = scripted([FINAL], runs)
    async with agent:
        with pytest.raises(UserError, match="The task is empty"):
            await agent.run("  ")
    assert not list(runs.glob("*"))


async def test_the_same_seed_gives_each_completion_the_same_seed_of_its_own(runs: Path) -> None:
    seeds = []
    for _ in range(2):
        agent, engine = scripted(["<|return|>", CALL, FINAL], runs, Echo(), sampling={"seed": 7})
        async with agent:
            await agent.run("1")
        seeds.append([call.sampling.seed for call in engine.calls])
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 3


async def test_events_stream_while_the_run_goes_on(runs: Path) -> None:
    agent, _ = scripted([CALL, FINAL], runs, Echo())
    async with agent, agent.stream("1") as run:
        events = [event async for event in run]
        result = await run.result()
    text = "".join(event.text for event in events if isinstance(event, TextDelta) and event.channel == "final")
    assert text == result.final
    kinds = [type(event).__name__ for event in events if not isinstance(event, TextDelta)]
    assert kinds == ["RunStarted", *STEP, "CallStarted", "CallEnded", *STEP, "RunEnded"]


async def test_leaving_a_stream_cancels_the_run_and_releases_the_engine(runs: Path) -> None:
    agent, engine = scripted([Play(FINAL, stall_after=5)], runs)
    async with agent:
        async with agent.stream("1") as run:
            async for event in run:
                if isinstance(event, TextDelta):
                    break
        assert engine.active == 0
    journal = list(read_journal(next(runs.glob("*.jsonl"))))
    assert isinstance(journal[-1], RunEnded)
    assert journal[-1].outcome == "cancelled"


async def test_a_cancelled_stream_still_has_a_result(runs: Path) -> None:
    agent, _ = scripted([CALL, Play(FINAL, stall_after=1)], runs, Echo())
    async with agent, agent.stream("1") as run:
        async for event in run:
            if isinstance(event, CallEnded):
                run.cancel()
        result = await run.result()
    assert (result.outcome, len(result.tool_calls)) == ("cancelled", 1)


async def test_a_hundred_runs_at_once(runs: Path) -> None:
    agent, engine = scripted(lambda prompt: CALL if len(prompt) < 140 else FINAL, runs, Echo())
    async with agent:
        results = await asyncio.gather(*(agent.run(f"Task {n}") for n in range(100)))
    assert {result.outcome for result in results} == {"final"}
    assert len({result.run_id for result in results}) == 100
    assert engine.active == 0


async def test_an_engine_that_is_lost_at_the_start_is_told_at_once() -> None:
    from ossia.agent import Agent

    with pytest.raises(UserError, match="there is no engine 'nnano'"):
        async with Agent(engine="nnano"):
            pass
    assert issubclass(EngineError, Exception)
