"""`ossia run` and `ossia chat` with the embedded model, a real kernel, and the user's mistakes."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ossia.agent import RunEnded, read_journal
from tests.cli.conftest import COMMAND, Ossia

QUESTION = "What is 48213 * 777?"


def test_a_run_shows_its_work(ossia: Ossia) -> None:
    done = ossia("run", QUESTION)
    assert done.returncode == 0, done.stderr
    for part in ("tiny test model", "analysis:", "print(48213 * 777)", "sandbox: ", "37461501", "final:"):
        assert part in done.stdout
    assert "\x1b" not in done.stdout


def test_json_is_one_object_on_stdout(ossia: Ossia) -> None:
    done = ossia("run", "--json", QUESTION)
    result = json.loads(done.stdout)
    assert (done.returncode, result["outcome"]) == (0, "final")
    assert "37461501" in result["final"]
    assert result["tool_calls"][0]["text"] == "37461501\n"
    assert result["usage"]["steps"] == 2


def test_quiet_prints_the_answer_only(ossia: Ossia) -> None:
    done = ossia("run", "--quiet", "--seed", "1", "--temperature", "0", QUESTION)
    assert done.stdout.count("\n") == 1
    assert "37461501" in done.stdout


def test_a_task_file_is_run_and_held_against_what_it_expects(ossia: Ossia, tmp_path: Path) -> None:
    task = tmp_path / "task.yaml"
    task.write_text(
        'input:\n  text: "What is {{ a }} * 777?"\n  variables: {a: 48213}\nexpect: {contains: "37461501"}\n'
    )
    assert ossia("run", task).returncode == 0
    missed = ossia("run", task, "-c", "expect.contains=no such answer")
    assert (missed.returncode, "does not contain 'no such answer'" in missed.stderr) == (1, True)


def test_a_dry_run_shows_the_prompt_and_runs_nothing(ossia: Ossia, tmp_path: Path) -> None:
    done = ossia("run", "--dry-run", "--engine", "no-such-engine", QUESTION)
    assert done.returncode == 0
    assert done.stdout.startswith("<|start|>system<|message|>You are ChatGPT")
    assert done.stdout.rstrip().endswith(f"<|start|>user<|message|>{QUESTION}<|end|><|start|>assistant")
    assert "tokens" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", " "], "The task is empty"),
        (["run", "--engine", "nanno", "hi"], "did you mean 'nano'"),
        (["run", "--sandbox", "dokcer", "hi"], "docker"),
        (["run", "--file", "no-such.csv", "hi"], "no-such.csv can't be read"),
        (["run", "no-such.yaml"], "can't be read"),
        (["run", "--input", "a=1", "hi"], "--input belongs to a task file"),
        (["run", "--effort", "huge", "hi"], "effort"),
        (["run", "--steps", "0", "hi"], "steps"),
        (["run"], "Missing argument"),
        (["resume", "no-such-run"], "No journal can be read"),
    ],
)
def test_the_users_mistakes_are_sentences_and_exit_code_2(ossia: Ossia, arguments: list[str], sentence: str) -> None:
    done = ossia(*arguments)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_a_step_limit_ends_with_exit_code_1(ossia: Ossia) -> None:
    done = ossia("run", "--json", "--steps", "1", QUESTION)
    result = json.loads(done.stdout)
    assert (done.returncode, result["outcome"], result["limit"]) == (1, "limit", "steps")


def test_a_disk_that_takes_no_journal_is_exit_code_3(ossia: Ossia) -> None:
    done = ossia("run", QUESTION, OSSIA_RUNS="/dev/full/runs")
    assert (done.returncode, "The journal" in done.stderr, "Traceback" in done.stderr) == (3, True, False)


def test_without_a_sandbox_the_run_refuses_in_a_sentence(ossia: Ossia, tmp_path: Path) -> None:
    done = ossia("run", QUESTION, DOCKER_HOST="unix:///nowhere.sock", PATH=str(tmp_path))
    assert done.returncode == 3, done.stdout
    assert "Traceback" not in done.stderr
    assert "docker" in done.stderr.lower()


def test_files_come_back(ossia: Ossia, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    done = ossia("run", "--json", "--file", "data.csv", "--out", "out", QUESTION)
    assert json.loads(done.stdout)["messages"][0]["text"] == f"{QUESTION}\n\nFiles: /mnt/data/data.csv"


def test_ctrl_c_ends_the_run_as_cancelled(tmp_path: Path) -> None:
    environment = {**os.environ, "OSSIA_RUNS": str(tmp_path)}
    process = subprocess.Popen(
        [COMMAND, "run", "--json", QUESTION], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("*.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["outcome"], err) == (1, "cancelled", "")
    last = list(read_journal(next(tmp_path.glob("*.jsonl"))))[-1]
    assert isinstance(last, RunEnded)
    assert last.outcome == "cancelled"


def test_chat_keeps_its_kernel_between_turns(ossia: Ossia) -> None:
    done = ossia("chat", stdin="What is 12 * 12?\n\nWhat is 5 + 6?\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("sandbox: ") == 1
    assert done.stdout.count("final:") == 2
