"""Transcripts keep what was sampled, only grow within a segment, and survive being written down."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossia import UserError, harmony
from ossia.types import FunctionSpec, ToolNamespace
from tests.harmony.test_parser_fuzz import pieces
from tests.harmony.test_parser_wellformed import completions
from tests.harmony.tokens import ids

TOOLS = (
    ToolNamespace("python", "Runs code."),
    ToolNamespace("functions", "", (FunctionSpec("f"),), "developer"),
)
CONFIG = harmony.PromptConfig(instructions="Be brief.", tools=TOOLS)
THINK = "<|channel|>analysis<|message|>hm<|end|><|start|>assistant"
RUN_ONE = "<|channel|>analysis to=python code<|message|>1<|call|>"
CALL = ids(THINK + RUN_ONE)
FINAL = ids("<|channel|>analysis<|message|>ok<|end|><|start|>assistant<|channel|>final<|message|>Two.<|return|>")


def decoded(transcript: harmony.Transcript) -> str:
    return harmony.encoding().decode(transcript.prompt())


def one_turn() -> harmony.Transcript:
    transcript = harmony.Transcript.start(CONFIG)
    transcript.append_user("1+1?")
    transcript.append_completion(CALL)
    transcript.append_tool("python", "2\n", "analysis")
    transcript.append_completion(FINAL)
    return transcript


sampled = st.one_of(completions(), st.lists(pieces, max_size=12).map(lambda p: [abs(i) for part in p for i in part]))
steps = st.one_of(
    st.tuples(st.just("completion"), sampled),
    st.tuples(st.just("kept"), sampled),
    st.tuples(st.just("user"), st.text(max_size=20)),
    st.tuples(st.just("tool"), st.text(max_size=20)),
    st.tuples(st.just("force"), st.just(None)),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(steps, max_size=12))
def test_each_prompt_begins_with_the_one_before_and_its_completion(actions: list[tuple[str, object]]) -> None:
    transcript = harmony.Transcript.start(CONFIG)
    forced = False
    for kind, value in actions:
        before, completion = transcript.prompt(), []
        if kind in ("completion", "kept"):
            assert isinstance(value, list)
            parsed = harmony.parse_completion(value, transcript.recipients)
            completion = value if kind == "completion" else value[: parsed.kept]
            transcript.append_completion(completion)
            forced = False
            if completion:
                harmony.check_extends(before, completion, transcript.prompt())
        elif kind == "force" and not forced:
            transcript.force_final()
            forced = True
        elif not forced and kind == "user":
            transcript.append_user(str(value))
        elif not forced and kind == "tool":
            transcript.append_tool("python", str(value))
        stem = before.tolist()[: len(before) - 2] if kind in ("user", "tool") or not completion else before.tolist()
        if not forced and kind != "force":
            assert transcript.prompt()[: len(stem)] == stem or kind in ("completion", "kept")
    assert len(transcript.segments) == 1
    lines = list(transcript.to_json_lines())
    again = harmony.Transcript.from_json_lines(lines)
    assert list(again.to_json_lines()) == lines
    assert again.prompt() == transcript.prompt()


def test_sampled_ids_stand_as_sampled_and_return_becomes_end() -> None:
    transcript = one_turn()
    tokens = transcript.prompt().tolist()
    at = tokens.index(CALL[0])
    segment = transcript.segments[0]
    first = next(run for run in segment.runs if run.origin == "sampled")
    assert tokens[first.start : first.stop] == CALL
    assert at == first.start
    assert tokens[-3] == harmony.END
    assert harmony.RETURN not in tokens
    assert segment.training_ids()[-1] == harmony.RETURN


def test_runs_say_who_made_what_and_cover_all() -> None:
    segment = one_turn().segments[0]
    assert [r.origin for r in segment.runs] == ["rendered", "sampled", "rendered", "sampled"]
    assert [r.start for r in segment.runs[1:]] == [r.stop for r in segment.runs[:-1]]
    assert segment.runs[0].start == 0
    assert segment.runs[-1].stop == len(segment.tokens)
    mask = segment.sampled_mask()
    assert [t for t, m in zip(segment.tokens, mask, strict=True) if m] == [*CALL, *FINAL[:-1], harmony.END]


def test_dropping_analysis_begins_a_segment_and_keeps_calls_and_results() -> None:
    transcript = one_turn()
    assert transcript.drop_analysis()
    text = decoded(transcript)
    assert "hm" not in text
    assert "ok<|end|>" not in text
    assert text.endswith(
        "<|start|>user<|message|>1+1?<|end|><|start|>assistant<|channel|>analysis to=python code<|message|>1<|call|>"
        "<|start|>python to=assistant<|channel|>analysis<|message|>2\n<|end|>"
        "<|start|>assistant<|channel|>final<|message|>Two.<|end|><|start|>assistant"
    )
    assert [s.reason for s in transcript.segments] == ["start", "analysis dropped"]
    assert "sampled" not in [r.origin for r in transcript.segments[1].runs]
    assert not transcript.drop_analysis()


def test_analysis_stays_within_a_turn() -> None:
    transcript = harmony.Transcript.start(CONFIG)
    transcript.append_user("1+1?")
    transcript.append_completion(CALL)
    assert not transcript.drop_analysis()


@pytest.mark.parametrize(("policy", "left"), [("all", 3), ("turn", 0), (0, 0), (1, 1), (2, 2), (5, 3)])
def test_analysis_policies(policy: harmony.AnalysisPolicy, left: int) -> None:
    config = harmony.PromptConfig(options=harmony.RenderOptions(analysis=policy))
    transcript = harmony.Transcript.start(config)
    for turn in range(3):
        transcript.append_user(f"question {turn}")
        transcript.append_completion(FINAL)
        transcript.drop_analysis()
    assert decoded(transcript).count("<|channel|>analysis") == left
    assert decoded(transcript).count("<|channel|>final") == 3


def test_forced_final() -> None:
    transcript = harmony.Transcript.start(CONFIG)
    transcript.append_user("1+1?")
    transcript.force_final()
    assert decoded(transcript).endswith("<|start|>assistant<|channel|>final<|message|>")
    before = transcript.prompt()
    with pytest.raises(UserError, match="forced"):
        transcript.append_user("more")
    completion = ids("Two.<|return|>")
    transcript.append_completion(completion)
    harmony.check_extends(before, completion, transcript.prompt())
    assert [r.origin for r in transcript.segments[0].runs] == ["rendered", "forced", "sampled"]
    assert transcript.entries[-1].is_final
    assert transcript.text(transcript.entries[-1]) == "Two."


def test_completion_that_was_cut_off_is_closed_by_us() -> None:
    transcript = harmony.Transcript.start(CONFIG)
    transcript.append_user("1+1?")
    transcript.append_completion(ids("<|channel|>analysis<|message|>I was cut"))
    assert decoded(transcript).endswith("I was cut<|end|><|start|>assistant")
    assert transcript.segments[0].runs[-1].origin == "rendered"


def test_kept_leaves_out_what_a_foreign_role_said() -> None:
    text = f"{RUN_ONE}<|start|>python to=assistant<|channel|>analysis<|message|>2<|end|>"
    completion = harmony.parse_completion(ids(text), ["python"])
    transcript = harmony.Transcript.start(CONFIG)
    transcript.append_user("1+1?")
    transcript.append_completion(ids(text)[: completion.kept], completion)
    assert decoded(transcript).endswith("1<|call|><|start|>assistant")


def test_empty_completion_leaves_no_trace() -> None:
    transcript = harmony.Transcript.start(CONFIG)
    before = transcript.prompt()
    transcript.append_completion([])
    assert transcript.prompt() == before


def test_compaction_by_rewrite() -> None:
    transcript = one_turn()
    system, developer, *_, final = transcript.entries
    summary = harmony.Message("user", "Earlier: asked for 1+1.")
    transcript.rewrite("compacted", [system, developer, summary, final])
    text = decoded(transcript)
    assert text.endswith(
        "<|start|>user<|message|>Earlier: asked for 1+1.<|end|><|start|>assistant<|channel|>final<|message|>Two.<|end|>"
        "<|start|>assistant"
    )
    assert transcript.segments[-1].reason == "compacted"
    with pytest.raises(UserError, match="not of the current segment"):
        transcript.rewrite("again", [final])


def test_history_is_rendered_and_its_stale_analysis_left_out() -> None:
    history = [
        harmony.Message("user", "hi"),
        harmony.Message("assistant", "thinking", "analysis"),
        harmony.Message("assistant", "hello"),
        harmony.Message("user", "again"),
        harmony.Message("assistant", "still thinking", "analysis"),
    ]
    transcript = harmony.Transcript.start(CONFIG, history)
    assert "<|message|>thinking" not in decoded(transcript)
    assert "still thinking" in decoded(transcript)
    assert [s.reason for s in transcript.segments] == ["start"]
    assert transcript.turn == 2


def test_prompt_is_a_view_that_stays_what_it_is() -> None:
    transcript = harmony.Transcript.start(CONFIG)
    before = transcript.prompt()
    copy = list(before)
    transcript.append_user("more")
    assert list(before) == copy == before.tolist()
    assert before[0] == harmony.START
    assert before[-1] == copy[-1]
    assert before[2:5] == copy[2:5]
    assert before[-3:] == copy[-3:]
    assert len(before) == len(copy)
    assert before != transcript.prompt()
    with pytest.raises(IndexError):
        before[len(copy)]


def test_departure_from_the_prompt_before_is_named() -> None:
    harmony.check_extends([1, 2], [3, harmony.RETURN], [1, 2, 3, harmony.END, 9])
    with pytest.raises(harmony.NotAnExtension, match="token 1 of 3"):
        harmony.check_extends([1, 2], [3], [1, 7, 3])
    with pytest.raises(harmony.NotAnExtension, match="token 2 of 3"):
        harmony.check_extends([1, 2], [3], [1, 2])


def test_appending_costs_what_is_appended() -> None:
    transcript = harmony.Transcript.start(CONFIG)
    transcript.append_user("x " * 100_000)
    assert len(transcript) > 100_000
    started = time.perf_counter()
    for _ in range(20):
        transcript.append_tool("python", "42\n", "analysis")
        transcript.prompt()
    assert (time.perf_counter() - started) / 20 < 0.01
