"""Exported runs hold the token ids of the run, and count what was sampled and nothing else."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossia import harmony
from ossia.agent import Limits, RunEnded, read_journal
from ossia.agent.export import Counted, Record, training_records
from ossia.errors import UserError
from ossia.testing import Play, Script, ScriptedEngine
from tests.agent.conftest import CALL, FINAL, Echo, scripted

USELESS = "<|channel|>analysis<|message|>Let me see.<|return|>"
LONG = "The answer is near. " * 40


def encode(text: str) -> list[int]:
    return harmony.encoding().encode(text, special=True)


def counted(record: Record) -> list[int]:
    return [token for token, counts in zip(record.token_ids, record.loss_mask, strict=True) if counts]


def text(ids: Sequence[int]) -> str:
    return harmony.encoding().decode(ids)


async def record_run(
    runs: Path, script: Script, *tasks: str, echo: Echo | None = None, **options: object
) -> ScriptedEngine:
    """Run the tasks, one after the other, in one session."""
    agent, engine = scripted(script, runs, echo or Echo(), **options)
    async with agent, agent.session() as session:
        for task in tasks or ("Say hi",):
            await session.run(task)
    return engine


def exported(runs: Path, counted: Counted | None = None) -> list[Record]:
    paths = sorted(runs.glob("*.jsonl"), key=lambda path: next(iter(read_journal(path))).time)
    return [record for path in paths for record in training_records(path, counted)]


async def test_the_ids_are_those_of_the_prompts_and_the_mask_is_what_was_sampled(runs: Path) -> None:
    engine = await record_run(runs, [USELESS, CALL, FINAL])
    (record,) = exported(runs)
    assert list(record.token_ids) == [*engine.calls[-1].prompt, *encode(FINAL)]
    assert counted(record) == [*encode(CALL), *encode(FINAL)]
    assert (record.outcome, record.final, record.model, record.reason) == ("final", "It is 4.", "scripted", "start")
    assert record.logprobs is None


async def test_a_record_is_read_back_as_it_was(runs: Path) -> None:
    await record_run(runs, [CALL, FINAL], sampling={"logprobs": True})
    (record,) = exported(runs)
    assert "\n" not in record.to_json()
    assert Record.from_json(record.to_json()) == record
    with pytest.raises(UserError, match="no record"):
        Record.from_json('{"run_id": "x"}')


async def test_logprobs_stand_where_the_mask_is_set(runs: Path) -> None:
    await record_run(runs, [USELESS, CALL, FINAL], sampling={"logprobs": True})
    (record,) = exported(runs)
    assert record.logprobs is not None
    assert [value is not None for value in record.logprobs] == [bool(counts) for counts in record.loss_mask]


@pytest.mark.parametrize(
    ("which", "texts"),
    [
        (Counted(channels=["final"]), [FINAL]),
        (Counted(channels=["analysis"]), ["<|channel|>analysis<|message|>Let me see.<|end|>"]),
        (Counted(recipients=["echo.*"]), [" to=echo.say", '{"text": "hi"}<|call|>']),
        (Counted(recipients=["none"]), ["Let me see.", "It is 4.<|return|>"]),
        (Counted(channels=["final"], recipients=["echo.*"]), None),
    ],
)
async def test_only_what_is_asked_for_counts(runs: Path, which: Counted, texts: list[str] | None) -> None:
    await record_run(runs, [CALL, FINAL])
    records = exported(runs, which)
    assert bool(records) == (texts is not None)
    for part in texts or ():
        assert part in text(counted(records[0]))
    if which.recipients == ["none"]:
        assert "to=echo.say" not in text(counted(records[0]))


async def test_each_turn_of_a_session_counts_once(runs: Path) -> None:
    engine = await record_run(runs, [CALL, FINAL, FINAL], "Say hi", "And now?")
    first, second = exported(runs)
    assert counted(first) == [*encode(CALL), *encode(FINAL)]
    assert counted(second) == encode(FINAL)
    assert list(second.token_ids) == [*engine.calls[-1].prompt, *encode(FINAL)]
    assert harmony.RETURN not in second.token_ids[:-1]
    assert (second.turn, second.segment) == (2, 0)


async def test_a_run_whose_context_was_rewritten_has_a_record_for_each_segment(runs: Path) -> None:
    echo = Echo([LONG, LONG, "short", "short"])
    engine = await record_run(
        runs, [CALL, CALL, CALL, FINAL], echo=echo, overflow="drop_tool_output", limits=Limits(context=600)
    )
    records = exported(runs)
    assert [record.segment for record in records] == [0, 1]
    assert records[1].reason == "tool output dropped"
    sampled = [token for record in records for token in counted(record)]
    assert sampled == [*encode(CALL) * 3, *encode(FINAL)]
    assert list(records[1].token_ids) == [*engine.calls[-1].prompt, *encode(FINAL)]


async def test_an_answer_that_was_refused_counts_without_the_end_that_stands_for_its_return(runs: Path) -> None:
    refused, answer = "<|channel|>final<|message|>four", "<|channel|>final<|message|>4<|return|>"
    engine = await record_run(runs, [f"{refused}<|return|>", answer], output={"type": "integer"})
    (record,) = exported(runs)
    assert counted(record) == [*encode(refused), *encode(answer)]
    assert list(record.token_ids) == [*engine.calls[-1].prompt, *encode(answer)]


async def test_a_forced_header_does_not_count(runs: Path) -> None:
    await record_run(runs, [CALL, "It is 5.<|return|>"], limits=Limits(steps=1, force_final=True))
    (record,) = exported(runs)
    assert counted(record) == [*encode(CALL), *encode("It is 5.<|return|>")]
    assert (record.forced, record.outcome, record.limit) == (True, "limit", "steps")


async def test_the_end_that_was_put_behind_a_cut_completion_does_not_count(runs: Path) -> None:
    await record_run(runs, ["<|channel|>analysis<|message|>Let me"])
    (record,) = exported(runs)
    assert text(counted(record)) == "<|channel|>analysis<|message|>Let me"
    assert record.token_ids[-1] == harmony.END


async def test_a_run_that_was_cut_off_has_no_outcome(runs: Path) -> None:
    await record_run(runs, [CALL, Play(FINAL, fail_after=2)])
    (path,) = runs.glob("*.jsonl")
    kept = [line for line in path.read_bytes().splitlines(keepends=True) if b'"type":"run_ended"' not in line]
    path.write_bytes(b"".join(kept))
    (record,) = exported(runs)
    assert (record.outcome, counted(record)) == (None, encode(CALL))


async def test_a_run_in_which_nothing_was_sampled_has_no_record(runs: Path) -> None:
    await record_run(runs, [Play(FINAL, fail_after=0)])
    assert exported(runs) == []


async def test_the_example_of_the_page_runs(runs: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "export.md"
    names: dict[str, Callable[[Path], list[Record]]] = {}
    exec(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)[0], names)
    await record_run(runs, [CALL, FINAL])
    (record,) = names["final_answers"](next(runs.glob("*.jsonl")))
    assert counted(record) == encode(FINAL)


IDS = st.one_of(st.integers(0, 5_000), st.sampled_from([harmony.START, harmony.CHANNEL, harmony.MESSAGE, harmony.END]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(IDS, max_size=12), min_size=1, max_size=4))
async def test_whatever_is_sampled_is_given_back(bodies: list[list[int]]) -> None:
    """Completions of random ids: the last prompt is a prefix of the record, and only kept ids count."""
    with TemporaryDirectory() as folder:
        runs = Path(folder)
        script = [[*body, harmony.CALL] for body in bodies] + [FINAL] * 8
        engine = await record_run(runs, lambda prompt: script.pop(0), limits=Limits(steps=6))
        events = list(read_journal(next(runs.glob("*.jsonl"))))
        kept = [e for e in events if e.type == "step_ended" and e.kept]
        for record in exported(runs):
            prompt = engine.calls[-1].prompt if kept and isinstance(events[-1], RunEnded) else ()
            shared = min(len(prompt) - 2, len(record.token_ids))
            assert record.token_ids[:shared] == prompt[:shared]
            assert len(counted(record)) <= sum(len(e.token_ids) for e in kept)
            sampled = [token for event in kept for token in event.token_ids]
            rest = iter(sampled)
            assert all(token in rest for token in counted(record)), "a subsequence of what was sampled"
