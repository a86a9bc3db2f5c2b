"""The page of a run: one HTML file that asks the network for nothing and executes nothing of what it shows."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ossia.view._story import read_story


def render_run(path: Path) -> str:
    """The page of the run whose journal is at `path`, with the images that lie beside it.

    Raises `UserError` where `path` is no journal, or one that can't be played back.
    """
    story, tokens = read_story(path)
    style, script = _asset("style.css"), _asset("script.js")
    policy = f"default-src 'none'; img-src data:; style-src {_source(style)}; script-src {_source(script)}; "
    policy += "base-uri 'none'; form-action 'none'"
    return (
        _environment()
        .get_template("run.html.j2")
        .render(story=story, tokens=tokens.to_json(), style=Markup(style), script=Markup(script), policy=policy)
    )


def _asset(name: str) -> str:
    return (files("ossia.view") / "_assets" / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """The name of an inline style or script in a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ossia.view", "_assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["seconds"] = _seconds
    environment.filters["bytes"] = _bytes
    return environment


def _seconds(value: float) -> str:
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def _bytes(value: int) -> str:
    if value < 1_000:
        return f"{value} B"
    return f"{value / 1e3:.1f} kB" if value < 1e6 else f"{value / 1e6:.1f} MB"
