"""A task that is ready to run: its templates rendered, its agent made."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import JsonValue

from ossia.agent.agent import Agent
from ossia.agent.result import RunResult
from ossia.agent.task._tools import load_tools
from ossia.agent.task._yaml import from_values, override, read_source, validate
from ossia.agent.task.config import TaskConfig
from ossia.engine import Progress
from ossia.errors import UserError


@dataclass(frozen=True, slots=True)
class Task:
    """A task file with its inputs filled in."""

    config: TaskConfig
    directory: Path
    """What the paths of the file are relative to."""
    text: str
    """The user's message."""
    instructions: str | None
    files: tuple[Path, ...]
    contains: tuple[str, ...]
    matches: str | None

    @property
    def output_directory(self) -> Path | None:
        """Where the files of a run are to be saved, or None."""
        return self.directory / self.config.output.files if self.config.output.files else None

    def agent(self, *, progress: Progress | None = None) -> Agent:
        """The agent that the file describes. Raises `UserError` on a tool that can't be made."""
        config = self.config
        return Agent(
            engine=config.engine.spec,
            tools=load_tools(config.tools, self.directory),
            instructions=self.instructions,
            effort=config.agent.effort,
            date=config.agent.date,
            sandbox=config.sandbox.provider,
            limits=config.limits,
            sampling=config.engine.sampling.fields(),
            progress=progress,
        )

    def unmet(self, result: RunResult) -> list[str]:
        """What of `expect` the result does not meet, a sentence each; empty: all of it is met."""
        if result.final is None:
            return [f"there is no final answer: {result.outcome}"] if self.contains or self.matches else []
        unmet = [f"the answer does not contain {text!r}" for text in self.contains if text not in result.final]
        if self.matches is not None and not re.search(self.matches, result.final):
            unmet.append(f"the answer does not match {self.matches!r}")
        return unmet


def load_task(
    path: str | Path,
    *,
    inputs: Mapping[str, JsonValue] | None = None,
    overrides: Sequence[str] = (),
    changes: Mapping[str, object] | None = None,
) -> Task:
    """A task from its YAML file.

    `inputs`: values of declared inputs; `overrides`: `section.key=value`, as `-c` takes; `changes`: sections to lay
    over those of the file. Raises `UserError` with file, line and the nearest known key on a mistake in the file, and
    on a missing or undeclared input. A file whose tools name Python functions (`module:name`) is code: it is imported
    by `Task.agent`.
    """
    path = Path(path)
    source = read_source(path)
    if changes:
        source = source.merge(from_values(changes, "the options"))
    for text in overrides:
        source = override(source, text)
    config = validate(source)
    values = _values(config, inputs or {}, path)
    return _rendered(config, path.resolve().parent, _Renderer(path.name, values))


def plain_task(text: str, changes: Mapping[str, object], *, overrides: Sequence[str] = ()) -> Task:
    """A task without a file: `text` is the user's message as it stands, `changes` are the other sections."""
    if not text.strip():
        raise UserError("The task is empty: say what the agent shall do.")
    source = from_values({"input": {"text": text}}, "the options").merge(from_values(changes, "the options"))
    for item in overrides:
        source = override(source, item)
    return _rendered(validate(source), Path.cwd(), lambda template, section: template)


def _rendered(config: TaskConfig, directory: Path, render: Callable[[str, str], str]) -> Task:
    expect = config.expect
    return Task(
        config=config,
        directory=directory,
        text=render(config.input.text, "input.text"),
        instructions=None if config.agent.instructions is None else render(config.agent.instructions, "instructions"),
        files=tuple(directory / render(name, "input.files") for name in config.input.files),
        contains=tuple(render(text, "expect.contains") for text in expect.contains),
        matches=None if expect.matches is None else _pattern(render(expect.matches, "expect.matches")),
    )


def _values(config: TaskConfig, given: Mapping[str, JsonValue], path: Path) -> dict[str, JsonValue]:
    declared = config.input.variables
    for name in given:
        if name not in declared:
            known = ", ".join(sorted(declared)) or "none"
            raise UserError(f"{path.name} declares no input {name!r}; its inputs are: {known}.")
    missing = [name for name, variable in declared.items() if variable.required and name not in given]
    if missing:
        raise UserError(f"{path.name} needs the input {missing[0]!r}: give --input {missing[0]}=VALUE.")
    return {name: given.get(name, variable.default) for name, variable in declared.items()}


@dataclass(frozen=True, slots=True)
class _Renderer:
    name: str
    values: Mapping[str, JsonValue]

    def __call__(self, template: str, section: str) -> str:
        environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
        try:
            return environment.from_string(template).render(self.values)
        except jinja2.TemplateError as error:
            raise UserError(f"{self.name}, {section}: {error}.") from error


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise UserError(f"expect.matches is no regular expression: {error}.") from error
    return text
