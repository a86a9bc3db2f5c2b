"""`ossia doctor`: what this machine has for ossia, and what to do about what it lacks."""

import asyncio
import json as jsonlib
import platform
import sys
import time
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ossia import harmony
from ossia.agent import runs_directory
from ossia.engine import STOP_TOKEN_IDS, Sampling, open_engine
from ossia.errors import OssiaError
from ossia.sandbox import SandboxNeeds, resolve
from ossia.tools import Python

State = Literal["ok", "missing", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table."""

    what: str
    state: State
    found: str
    advice: str = ""


def doctor(
    engine: Annotated[str, typer.Argument(help="The engine to probe.")] = "nano",
    json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
) -> None:
    """Probe this machine and an engine: what is there, what is missing, what to do."""
    findings = asyncio.run(_examine(engine))
    if json:
        print(jsonlib.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        _print(findings)
    raise typer.Exit(0 if all(finding.state == "ok" for finding in findings if finding.what != "docker") else 3)


async def _examine(engine: str) -> list[Finding]:
    return [
        Finding("python", "ok", f"{platform.python_version()}, {platform.platform(terse=True)}"),
        _vocabulary(),
        _runs(),
        *[await _sandbox(name) for name in ("docker", "bubblewrap")],
        await _chosen_sandbox(),
        *await _engine(engine),
    ]


def _vocabulary() -> Finding:
    try:
        ids = harmony.encoding().encode("<|start|>assistant", special=True)
    except OssiaError as error:
        return Finding("vocabulary", "failed", str(error), "Reinstall oss-harmony, and not openai-harmony beside it.")
    return Finding("vocabulary", "ok", f"o200k_harmony, without network; <|start|>assistant is {ids}")


def _runs() -> Finding:
    path = runs_directory()
    probe = path / ".doctor"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        advice = "Set OSSIA_RUNS to a directory that can be written, or use Agent(journal=False)."
        return Finding("journals", "failed", f"{path}: {error.strerror}", advice)
    return Finding("journals", "ok", str(path))


async def _sandbox(name: str) -> Finding:
    """Whether this provider would be taken for the python tool, by opening a sandbox and running a cell."""
    needs = Python().needs
    started = time.monotonic()
    try:
        provider = await resolve(name, needs)
        try:
            sandbox = await provider.open(needs)
            try:
                cell = await sandbox.execute("print(6 * 7)", timeout=30)
            finally:
                await sandbox.close()
        finally:
            await provider.aclose()
    except OssiaError as error:
        return Finding(name, "missing", str(error))
    seconds = time.monotonic() - started
    if cell.status != "ok":
        return Finding(name, "failed", f"a cell ended with {cell.status} {cell.detail}".rstrip())
    return Finding(name, "ok", f"{sandbox.info.description}; first cell after {seconds:.1f} s")


async def _chosen_sandbox() -> Finding:
    try:
        provider = await resolve(None, SandboxNeeds(kernel=True))
    except OssiaError as error:
        return Finding("sandbox", "missing", str(error))
    await provider.aclose()
    return Finding("sandbox", "ok", f"{provider.name} is chosen for the python tool")


async def _engine(spec: str) -> list[Finding]:
    started = time.monotonic()
    try:
        engine = await open_engine(spec)
    except OssiaError as error:
        return [Finding(f"engine {spec}", "failed", str(error))]
    opened = time.monotonic() - started
    try:
        prompt = [
            *harmony.render_prompt(harmony.PromptConfig()),
            *harmony.render_user("Hello"),
            *harmony.encoding().encode("<|start|>assistant", special=True),
        ]
        started = time.monotonic()
        ids: list[int] = []
        finish = None
        async for chunk in engine.generate(prompt, Sampling(temperature=0, max_tokens=64), key="doctor"):
            ids += chunk.token_ids
            finish = chunk.finish or finish
        seconds = time.monotonic() - started
    except OssiaError as error:
        return [Finding(f"engine {spec}", "failed", str(error))]
    finally:
        await engine.aclose()
    stops = finish == "stop" and ids[-1:] and ids[-1] in STOP_TOKEN_IDS
    info = engine.info
    return [
        Finding(f"engine {spec}", "ok", f"{info.model}, context {info.max_context:,}; opened in {opened:.1f} s"),
        Finding("token ids", "ok" if ids else "failed", f"{len(ids)} ids in {seconds:.1f} s for a greeting"),
        Finding("stop ids", "ok" if stops else "failed", f"the completion ended with {ids[-1:]}, finish {finish}"),
    ]


def _print(findings: list[Finding]) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    styles = {"ok": "green", "missing": "yellow", "failed": "red"}
    for finding in findings:
        found = finding.found + (f"\n{finding.advice}" if finding.advice else "")
        table.add_row(Text(finding.what, "bold"), Text(finding.state, styles[finding.state]), Text(found))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
