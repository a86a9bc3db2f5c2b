"""Journals of every kind, and a real browser to look at their pages with."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, sync_playwright

from ossia.agent import Agent
from ossia.testing import Script, ScriptedEngine
from ossia.tools import Tool
from ossia.view import render_run

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


async def record(runs: Path, script: Script, *tools: Tool, task: str = "Say hi", **options: object) -> Path:
    """The journal of a run."""
    async with Agent(engine=ScriptedEngine(script), tools=tools, journal=runs, **options) as agent:  # type: ignore[arg-type]
        result = await agent.run(task)
    return runs / f"{result.run_id}.jsonl"


@dataclass
class Opened:
    """A page in a browser, and what it did besides being shown."""

    page: Page
    requests: list[str] = field(default_factory=list)
    """What it asked for, its own file and data URIs left out."""
    dialogs: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings of its console."""

    def watch(self) -> None:
        self.page.on("request", self._request)
        self.page.on("dialog", self._dialog)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _request(self, request: Request) -> None:
        if not request.url.startswith("data:") and request.url.partition("#")[0] != self.page.url.partition("#")[0]:
            self.requests.append(request.url)

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    @property
    def silent(self) -> bool:
        """It asked for nothing, said nothing, and broke nowhere."""
        return not (self.requests or self.dialogs or self.complaints)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def look(browser: Browser, journal: Path, *, dark: bool = False) -> Opened:
    """The page of a run, opened from its file."""
    target = journal.with_suffix(".html")
    target.write_text(render_run(journal), encoding="utf-8")
    context = browser.new_context(color_scheme="dark" if dark else "light", viewport={"width": 1000, "height": 800})
    context.set_default_timeout(20_000)
    opened = Opened(context.new_page())
    opened.page.goto("about:blank")
    opened.watch()
    opened.page.goto(target.as_uri())
    opened.requests = [url for url in opened.requests if url != target.as_uri()]
    return opened
