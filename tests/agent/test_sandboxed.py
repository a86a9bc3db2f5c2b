"""Runs with a real kernel in a real sandbox: files in and out, state over turns, resuming."""

from pathlib import Path

import pytest

from ossia import Agent, Limits, Python
from ossia.agent import RunResumed, read_journal, save_files
from ossia.errors import UserError
from ossia.testing import ScriptedEngine

FINAL = "<|channel|>final<|message|>Done.<|return|>"


def cell(code: str) -> str:
    return f"<|channel|>analysis to=python code<|message|>{code}<|call|>"


def agent(script: list[str], runs: Path, **options: object) -> tuple[Agent, ScriptedEngine]:
    engine = ScriptedEngine(script)
    return Agent(engine=engine, tools=[Python(timeout=30)], journal=runs, **options), engine  # type: ignore[arg-type]


PLOT = """\
import pandas as pd, matplotlib.pyplot as plt
data = pd.read_csv('/mnt/data/data.csv')
print(data.price.mean())
data.plot(x='day', y='price'); plt.savefig('/mnt/data/plots/price.png'); plt.show()"""


async def test_a_csv_goes_in_and_a_plot_comes_out(tmp_path: Path) -> None:
    (csv := tmp_path / "data.csv").write_text("day,price\n1,10\n2,20\n3,60\n")
    script = [cell("import os; os.makedirs('/mnt/data/plots')"), cell(PLOT), FINAL]
    plotter, engine = agent(script, tmp_path / "runs")
    async with plotter:
        result = await plotter.run("Plot the price.", files=[csv])
    assert result.outcome == "final"
    assert "Files: /mnt/data/data.csv" in engine.calls[0].text
    assert result.tool_calls[1].text.startswith("30.0\n")
    assert sorted(result.files) == ["image-1-1.png", "plots/price.png"]
    assert all(data.startswith(b"\x89PNG") for data in result.files.values())
    written = save_files(result.files, tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in written] == ["image-1-1.png", "plots/price.png"]


async def test_the_kernel_and_its_files_live_as_long_as_the_session(tmp_path: Path) -> None:
    turns = [
        cell("x = 41; open('note.txt', 'w').write('hi')"),
        FINAL,
        cell("print(x + 1, open('note.txt').read())"),
        FINAL,
    ]
    talker, engine = agent(turns, tmp_path / "runs")
    async with talker, talker.session() as session:
        first = await session.run("Remember.")
        second = await session.run("Recall.")
    assert first.files == {"note.txt": b"hi"}
    assert second.files == {}
    assert second.tool_calls[0].text == "42 hi\n"


async def test_analysis_of_a_finished_turn_is_dropped_and_its_calls_are_kept(tmp_path: Path) -> None:
    think = "<|channel|>analysis<|message|>A thought.<|end|><|start|>assistant"
    talker, engine = agent([think + cell("print(1)"), think + FINAL, FINAL], tmp_path / "runs")
    async with talker, talker.session() as session:
        await session.run("One.")
        await session.run("Two.")
    assert engine.calls[1].text.count("A thought.") == 1
    assert "A thought." not in engine.calls[2].text
    assert "print(1)<|call|>" in engine.calls[2].text


async def test_each_run_has_a_sandbox_of_its_own(tmp_path: Path) -> None:
    runner, _ = agent([cell("x = 1"), FINAL, cell("print('x' in dir())"), FINAL], tmp_path / "runs")
    async with runner:
        await runner.run("One.")
        assert (await runner.run("Two.")).tool_calls[0].text == "False\n"


async def test_files_without_a_sandbox_are_refused(tmp_path: Path) -> None:
    (path := tmp_path / "a.txt").write_text("a")
    async with Agent(engine=ScriptedEngine([FINAL]), journal=False) as plain:
        with pytest.raises(UserError, match="no tool of this agent has a sandbox"):
            await plain.run("Read it.", files=[path])


@pytest.mark.parametrize("name", ["../a.txt", "/etc/a.txt", ""])
async def test_files_cannot_be_named_out_of_the_sandbox(tmp_path: Path, name: str) -> None:
    runner, _ = agent([FINAL], tmp_path / "runs")
    async with runner:
        with pytest.raises(UserError, match="is no name for a file"):
            await runner.run("Read it.", files={name: b"a"})


def test_results_are_not_written_through_links(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="outside"):
        save_files({"link/a.txt": b"a"}, tmp_path / "out")
    assert not list((tmp_path / "elsewhere").iterdir())


async def test_a_cell_that_never_ends_does_not_outlive_the_turns_time(tmp_path: Path) -> None:
    runner, _ = agent([cell("while True: pass"), FINAL], tmp_path / "runs", limits=Limits(seconds=4))
    async with runner:
        result = await runner.run("Loop.")
    assert (result.outcome, result.limit) == ("limit", "seconds")


async def cut_before(runs: Path, what: bytes, nth: int) -> Path:
    """The one journal in `runs`, cut off before the nth line that holds `what`."""
    path = next(runs.glob("*.jsonl"))
    lines = path.read_bytes().splitlines(keepends=True)
    at = [i for i, line in enumerate(lines) if what in line][nth]
    path.write_bytes(b"".join(lines[:at]))
    return path


async def test_resuming_runs_the_cells_again_in_a_fresh_sandbox(tmp_path: Path) -> None:
    script = [cell("x = len(open('a.txt').read())"), cell("print(x)"), cell("print(x * 2)"), FINAL]
    runner, _ = agent(script, runs := tmp_path / "runs")
    async with runner:
        whole = await runner.run("Count.", files={"a.txt": b"abc"})
    path = await cut_before(runs, b'"type":"step_ended"', 2)
    runner, _ = agent(script[2:], runs)
    async with runner:
        result = await runner.resume(path)
    assert [call.text for call in result.tool_calls] == [call.text for call in whole.tool_calls]
    assert result.tool_calls[-1].text == "6\n"
    assert [e.differing for e in read_journal(path) if isinstance(e, RunResumed)] == [()]


async def test_state_that_is_lost_is_told_to_the_model_and_recorded(tmp_path: Path) -> None:
    script = [cell("import uuid; x = uuid.uuid4(); print(x)"), cell("print(1)"), FINAL]
    runner, _ = agent(script, runs := tmp_path / "runs")
    async with runner:
        await runner.run("Draw.")
    path = await cut_before(runs, b'"type":"step_ended"', 1)
    runner, engine = agent(script[1:], runs)
    async with runner:
        result = await runner.resume(path)
    assert "some earlier outputs differ" in engine.calls[-1].text
    assert any("State was lost" in note for note in result.notes)
    assert [e.differing for e in read_journal(path) if isinstance(e, RunResumed)] == [(0,)]


async def test_resuming_a_later_turn_brings_back_the_turns_before_it(tmp_path: Path) -> None:
    runner, _ = agent([cell("x = 5"), FINAL, cell("print(x)"), FINAL], runs := tmp_path / "runs")
    async with runner, runner.session() as session:
        await session.run("One.")
        second = await session.run("Two.")
    path = runs / f"{second.run_id}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))
    runner, _ = agent([cell("print(x)"), FINAL], runs)
    async with runner:
        assert (await runner.resume(path)).tool_calls[0].text == "5\n"


def test_agents_work_without_async(tmp_path: Path) -> None:
    runner, _ = agent([cell("x = 2"), FINAL, cell("print(x)"), FINAL], tmp_path / "runs")
    with runner.sync() as blocking, blocking.session() as session:
        session.run("One.")
        assert session.run("Two.").tool_calls[0].text == "2\n"
