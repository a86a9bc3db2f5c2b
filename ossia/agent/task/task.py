"""A task that is ready to run: its templates rendered, its agent made."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import JsonValue, ValidationError

from ossia.agent._output import Output
from ossia.agent.agent import Agent
from ossia.agent.result import RunResult
from ossia.agent.task._tools import load_object, load_tools, recorded_tools
from ossia.agent.task._yaml import from_values, override, read_source, validate
from ossia.agent.task.config import TaskConfig
from ossia.engine import Progress
from ossia.errors import UserError
from ossia.tools.approval import Approval, Approve


@dataclass(frozen=True, slots=True)
class Task:
    """A task file with its inputs filled in."""

    config: TaskConfig
    """Its templates are filled in."""
    directory: Path
    """What the paths of the file are relative to."""

    @property
    def text(self) -> str:
        """The user's message."""
        return self.config.input.text

    @property
    def files(self) -> tuple[Path, ...]:
        """Files for `/mnt/data`."""
        return tuple(self.directory / name for name in self.config.input.files)

    @property
    def output_directory(self) -> Path | None:
        """Where the files of a run are to be saved, or None."""
        return self.directory / self.config.output.files if self.config.output.files else None

    def agent(self, *, progress: Progress | None = None, approve: Approve | None = None) -> Agent:
        """The agent that the file describes; `approve` answers for the calls that it wants asked about.

        Raises `UserError` on a tool that can't be made.
        """
        config = self.config
        recorded = config.model_dump(mode="json", exclude_unset=True)
        if "tools" in recorded:
            recorded["tools"] = recorded_tools(config.tools)
        return Agent(
            engine=config.engine.spec,
            engine_options=config.engine.options,
            tools=load_tools(config.tools, self.directory),
            instructions=config.agent.instructions,
            effort=config.agent.effort,
            date=config.agent.date,
            output=self._output(),
            approval=Approval(config.approval, approve),
            overflow=config.agent.overflow,
            grammar=config.agent.grammar,
            sandbox=config.sandbox.provider,
            limits=config.limits,
            sampling=config.engine.sampling.fields(),
            progress=progress,
            origin={"directory": str(self.directory), "config": recorded},
        )

    def _output(self) -> Output | None:
        form = self.config.output.format
        found: Output | None = load_object(form, self.directory) if isinstance(form, str) else form
        return found

    def unmet(self, result: RunResult) -> list[str]:
        """What of `expect` the result does not meet, a sentence each; empty: all of it is met."""
        expect = self.config.expect
        if result.final is None:
            return [f"there is no final answer: {result.outcome}"] if expect.contains or expect.matches else []
        unmet = [f"the answer does not contain {text!r}" for text in expect.contains if text not in result.final]
        if expect.matches is not None and not re.search(expect.matches, result.final):
            unmet.append(f"the answer does not match {expect.matches!r}")
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


def recorded_task(origin: Mapping[str, JsonValue]) -> Task:
    """The task that a journal holds. Raises `UserError` where this ossia can't read it."""
    try:
        config = TaskConfig.model_validate(origin.get("config"))
    except ValidationError as error:
        raise UserError(f"The journal's task can't be read: {error.errors()[0]['msg']}.") from None
    return Task(config, Path(str(origin.get("directory"))))


def _rendered(config: TaskConfig, directory: Path, render: Callable[[str, str], str]) -> Task:
    """The task with its templates filled in."""
    changes: dict[str, dict[str, object]] = {
        "input": {
            "text": render(config.input.text, "input.text"),
            "files": tuple(render(name, "input.files") for name in config.input.files),
        },
        "expect": {"contains": tuple(render(text, "expect.contains") for text in config.expect.contains)},
    }
    if config.agent.instructions is not None:
        changes["agent"] = {"instructions": render(config.agent.instructions, "agent.instructions")}
    if config.expect.matches is not None:
        changes["expect"]["matches"] = _pattern(render(config.expect.matches, "expect.matches"))
    sections = {name: getattr(config, name).model_copy(update=update) for name, update in changes.items()}
    return Task(config.model_copy(update=sections), directory)


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
