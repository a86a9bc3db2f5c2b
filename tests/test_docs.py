"""The code in README and docs runs, and the examples do."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/agents.md")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"^```.*?^```|`[^`]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")


def run(code: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OSSIA_RUNS": str(folder / "runs")}
    return subprocess.run(
        [sys.executable, *code], cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False
    )


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(page: str, tmp_path: Path) -> None:
    blocks = BLOCK.findall((ROOT / page).read_text())
    assert blocks
    for block in blocks:
        done = run(["-c", block], tmp_path)
        assert done.returncode == 0, done.stderr
        assert "final" in done.stdout


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_an_example_runs(example: str, tmp_path: Path) -> None:
    done = run([str(ROOT / "examples" / example)], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "[final" in done.stdout


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in LINK.findall(CODE.sub("", page.read_text())):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_command_of_the_tasks_page_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "tasks.md").read_text()
    task, command = (re.search(rf"^```{kind}\n(.*?)^```", page, re.S | re.M) for kind in ("yaml", "console"))
    assert task
    assert command
    (tmp_path / "task.yaml").write_text(task[1])
    arguments = shlex.split(command[1].removeprefix("$ ossia"))
    done = run(["-c", "from ossia.cli.main import main; main()", *arguments], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "9324" in done.stdout


def test_the_yaml_of_the_pages_is_a_task(tmp_path: Path) -> None:
    from ossia.agent.task import load_task

    for page in ("README.md", "docs/tasks.md"):
        for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", (ROOT / page).read_text(), re.S | re.M)):
            (path := tmp_path / f"{number}.yaml").write_text(block)
            load_task(path)
