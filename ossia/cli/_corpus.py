"""`--corpus`: the browser of a task searches a folder instead of the web."""

from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue

from ossia.agent.task import Task
from ossia.errors import UserError

_WEB = ("search", "web")
"""Options of the browser that are about the web."""


def with_corpus(task: Task, folder: Path) -> Task:
    """`task` with its browser, or a browser beside its other tools, over the documents of `folder`."""
    if not folder.is_dir():
        raise UserError(f"--corpus {folder}: there is no such folder.")
    tools: list[str | dict[str, dict[str, JsonValue] | None]] = []
    options: dict[str, JsonValue] = {}
    for item in task.config.tools:
        named = {item: None} if isinstance(item, str) else dict(item)
        if "browser" in named:
            options = named.pop("browser") or {}
        tools += [{name: given} for name, given in named.items()]
    kept = {name: value for name, value in options.items() if name not in _WEB}
    tools.append({"browser": {**kept, "corpus": str(folder.resolve())}})
    return replace(task, config=task.config.model_copy(update={"tools": tuple(tools)}))
