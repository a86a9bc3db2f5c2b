"""`ossia view` and `ossia export`, as a user calls them."""

import asyncio
import json
import stat
import subprocess
import sys
import webbrowser
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ossia.agent.export import Record
from ossia.cli import main
from tests.agent.conftest import CALL, FINAL, Echo
from tests.view.conftest import record

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """How a call of the command ended."""

    code: object
    out: str
    err: str


Ossia = Callable[..., Done]


@pytest.fixture
def ossia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ossia:
    """Calls the command, in this process."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OSSIA_RUNS", str(tmp_path))

    def call(*arguments: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["ossia", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code or 0, *capsys.readouterr())

    return call


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return asyncio.run(record(tmp_path, [CALL, FINAL], Echo()))


def test_a_page_is_written_beside_the_journal_and_opened_where_there_is_a_browser(
    journal: Path, tmp_path: Path, ossia: Ossia, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    page = journal.with_suffix(".html")
    assert ossia("view", journal.stem) == Done(0, f"{page}\n", "")
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert (tmp_path / "opened").read_text() == f"{page.as_uri()}\n"


def test_without_a_browser_a_page_is_only_written(
    journal: Path, tmp_path: Path, ossia: Ossia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail(f"{url} was opened"))
    assert ossia("view", journal, "--out", tmp_path / "x.html").code == 0
    assert (tmp_path / "x.html").exists()
    monkeypatch.setenv("DISPLAY", ":0")
    assert ossia("view", journal, "--no-open").code == 0


def test_runs_are_exported_to_stdout_or_to_a_file(journal: Path, tmp_path: Path, ossia: Ossia) -> None:
    done = ossia("export", journal.stem, journal)
    records = [Record.from_json(line) for line in done.out.splitlines()]
    assert (done.code, len(records), records[0]) == (0, 2, records[1])
    out = tmp_path / "train.jsonl"
    assert ossia("export", journal.stem, "-o", out, "--channel", "final", "--outcome", "final") == Done(0, "", "")
    (only,) = map(json.loads, out.read_text().splitlines())
    assert 0 < sum(only["loss_mask"]) < sum(records[0].loss_mask)
    assert ossia("export", journal.stem, "--outcome", "limit").out == ""


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["view", "no-such-run"], 2, "No journal can be read"),
        (["export", "no-such-run"], 2, "No journal can be read"),
        (["export", "{run}", "no-such-run", "--out", "{folder}/half.jsonl"], 2, "No journal can be read"),
        (["view", "{run}", "--out", "/dev/full/x.html"], 3, "could not be written"),
        (["export", "{run}", "--out", "/dev/full/x.jsonl"], 3, "could not be written"),
    ],
)
def test_mistakes_are_sentences_and_leave_no_half_file(
    journal: Path, tmp_path: Path, ossia: Ossia, arguments: list[str], code: int, sentence: str
) -> None:
    done = ossia(*(a.format(run=journal.stem, folder=tmp_path) for a in arguments))
    assert (done.code, done.out) == (code, "")
    assert sentence in done.err
    assert not list(tmp_path.glob("half*"))


@pytest.mark.slow
def test_the_wheel_holds_what_pages_are_made_of(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)], check=True
    )
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert {f"ossia/view/_assets/{name}" for name in ("run.html.j2", "style.css", "script.js")} <= set(names)
