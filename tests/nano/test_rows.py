"""Training rows are exactly what a session of ossia holds, and what its parser reads without a repair."""

import random
from collections.abc import Callable

import pytest

from nano import rows
from nano.batch import collate
from nano.batches import batches, python_family_row
from nano.config import PAD_TOKEN
from nano.prompts import random_prompt
from nano.rows import Row, Task, babble_row
from nano.vocabulary import decode, encode
from ossia.agent.session import with_files
from ossia.harmony import START, PromptConfig, Transcript, parse_completion
from ossia.tools import Python

CONFIG = PromptConfig(tools=(Python().namespace,))


def sampled(text: str) -> list[int]:
    return encode(text)


def play(transcript: Transcript, task: Task) -> None:
    """One turn, as the agent loop keeps it."""
    transcript.append_user(task.question)
    transcript.append_completion(
        sampled(f"{rows.thought(task.analysis)}<|start|>assistant{rows.call(task.code)}"),
    )
    transcript.append_tool("python", task.result + "\n", "analysis")
    transcript.append_completion(sampled(rows.final(task.answer)))
    transcript.drop_analysis()


def test_a_question_with_files_is_what_a_session_shows() -> None:
    rng, counts = random.Random(6), set()
    for _ in range(100):
        question = rows.table_row_task(rng).question
        text, _, listed = question.partition("\n\nFiles: ")
        names = [path.removeprefix("/mnt/data/") for path in listed.split(", ")] if listed else []
        assert with_files(text, names) == question
        counts.add(len(names))
    assert counts >= {0, 1, 2}


@pytest.mark.parametrize("seed", range(5))
def test_an_earlier_turn_is_what_a_transcript_keeps(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    earlier, task = rows.arithmetic_task(rng, "train"), rows.arithmetic_task(rng, "train")
    transcript = Transcript.start(CONFIG)
    play(transcript, earlier)
    transcript.append_user(task.question)

    row = Row("arithmetic")
    monkeypatch.setattr(rows, "arithmetic_task", lambda *_: earlier)
    monkeypatch.setattr(rng, "random", lambda: 0.5)
    rows._history(row, rng, "train")
    row.given(rows.user(task.question) + "<|start|>assistant")
    prompt = list(transcript.prompt())
    assert prompt[-len(row.ids) :] == row.ids
    assert prompt[: -len(row.ids)] == list(Transcript.start(CONFIG).prompt())[:-2]


def test_the_turn_under_way_is_what_a_transcript_holds() -> None:
    rng = random.Random(8)
    task = rows.arithmetic_task(rng, "dev")
    transcript = Transcript.start(CONFIG)
    head = len(transcript)
    transcript.append_user(task.question)
    transcript.append_completion(sampled(f"{rows.thought(task.analysis)}<|start|>assistant{rows.call(task.code)}"))
    transcript.append_tool("python", task.result + "\n", "analysis")
    row = row_without_history(rng, task)
    start = row.turns[-1][0]
    assert list(transcript.prompt())[head:] == row.ids[:start]


def row_without_history(rng: random.Random, task: Task) -> Row:
    while True:
        row = rows.python_row(rng, task, "dev")
        text = decode(row.ids)
        if text.count("<|start|>user") == 1 and f"{task.result}\n<|end|>" in text:
            return row


MAKERS: list[Callable[[random.Random], Row]] = [
    lambda rng: python_family_row(rng, "train"),
    lambda rng: rows.failed_row(rng, "train"),
    lambda rng: rows.talk_row(rng, "train"),
    lambda rng: rows.untooled_row(rng, "train"),
]


@pytest.mark.parametrize("make", MAKERS)
def test_completions_parse_without_a_repair(make: Callable[[random.Random], Row]) -> None:
    rng = random.Random(5)
    for _ in range(60):
        row = make(rng)
        for start, end in row.turns:
            header = max(i for i in range(start) if row.ids[i] == START) + 2  # a forced header is not part of the turn
            completion = parse_completion(row.ids[header:end], ["python"])
            assert not completion.repairs
            assert not completion.truncated
            assert completion.stop == ("call" if completion.calls else "return")
            assert all(call.recipient == "python" for call in completion.calls)


def test_what_is_put_before_a_row_moves_its_turns() -> None:
    row = rows.talk_row(random.Random(3), "train")
    completions = [row.ids[start:end] for start, end in row.turns]
    row.begin("<|start|>developer<|message|>Be brief.<|end|>")
    assert decode(row.ids).startswith("<|start|>developer<|message|>Be brief.<|end|><|start|>user")
    assert [row.ids[start:end] for start, end in row.turns] == completions
    assert sum(row.learned) == sum(map(len, completions))


@pytest.mark.parametrize("make", MAKERS)
def test_only_completions_are_learned(make: Callable[[random.Random], Row]) -> None:
    rng = random.Random(6)
    for _ in range(60):
        row = make(rng)
        inside = [any(start <= i < end for start, end in row.turns) for i in range(len(row.ids))]
        assert row.learned == inside
        assert any(row.learned)


def test_the_final_repeats_the_output() -> None:
    rng = random.Random(7)
    for _ in range(60):
        task = rows.arithmetic_task(rng, "train")
        completion = parse_completion(encode(rows.final(task.answer)))
        assert completion.final == f"The result is {task.result}."


def test_a_batch_is_padded_and_never_learns_its_padding() -> None:
    rng = random.Random(9)
    found = [python_family_row(rng, "train") for _ in range(6)]
    batch = collate(random_prompt(rng), found)
    for i, row in enumerate(found):
        size = len(row.ids)
        assert batch.ids[i, :size].tolist() == row.ids
        assert (batch.ids[i, size:] == PAD_TOKEN).all()
        assert not batch.learned[i, size:].any()


def test_the_same_seed_gives_the_same_batches() -> None:
    first, second = (next(batches(random.Random(1), 8)) for _ in range(2))
    assert (first.ids == second.ids).all()
    assert (first.prefix == second.prefix).all()


def test_of_nonsense_only_its_end_is_learned() -> None:
    rng = random.Random(2)
    for _ in range(40):
        row = babble_row(rng, "train")
        first, *_ = row.turns
        learned = [token for token, kept in zip(row.ids, row.learned, strict=True) if kept]
        assert learned[0] in set(encode("<|end|><|call|><|return|>"))
        assert not any(row.learned[: first[0]])
        assert learned[-1] == encode("<|return|>")[0]
