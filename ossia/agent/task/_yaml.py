"""Reading task files: sections merged along `extends`, overrides on top, mistakes told with file and line."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import get_args

import yaml
from pydantic import BaseModel, ValidationError

from ossia.agent.task.config import TaskConfig, long_form
from ossia.errors import UserError

Keys = tuple[str | int, ...]


@dataclass(slots=True)
class Source:
    """A task's sections, and where each of its keys stands."""

    value: dict[str, object] = field(default_factory=dict)
    places: dict[Keys, str] = field(default_factory=dict)
    """By path of keys: `file, line n`."""

    def place(self, keys: Keys) -> str:
        """Where a key, or what it lies in, stands."""
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places.get(keys, "the task")

    def merge(self, other: "Source") -> "Source":
        """`other` on top of this: mappings key by key, everything else replaced."""
        return Source(_merge(self.value, other.value), self.places | other.places)


def read_source(path: Path) -> Source:
    """The sections of a task file with all that it extends.

    Raises `UserError` on a file that can't be read, is no YAML mapping, or extends itself.
    """
    return _read(path, ())


def from_values(values: Mapping[str, object], place: str) -> Source:
    """Sections that were given some other way, such as by flags; `place` is where mistakes are said to stand."""
    value = {key: long_form(key, item) for key, item in values.items()}
    return Source(value, {(): place})


def validate(source: Source) -> TaskConfig:
    """The task's config. Raises `UserError` with one sentence for each mistake: where, what, and the nearest key."""
    try:
        return TaskConfig.model_validate(source.value)
    except ValidationError as error:
        sentences = [_sentence(source, detail["loc"], detail["msg"]) for detail in error.errors()]
        raise UserError("\n".join(sentences)) from None


def _read(path: Path, seen: tuple[Path, ...]) -> Source:
    path = path.resolve()
    if path in seen:
        raise UserError(f"{path} extends itself, by way of {seen[-1].name}.")
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The task file {path} can't be read: {error}.") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(root, yaml.MappingNode):
        raise UserError(f"{path} is no task: it must be a mapping with at least `input`.")
    source = Source(_construct(root, path), {})
    _note_places(root, (), path.name, source.places)
    source.value = {key: long_form(key, value) for key, value in source.value.items()}
    parent = source.value.get("extends")
    if not isinstance(parent, str):
        return source
    return _read(path.parent / parent, (*seen, path)).merge(source)


def _construct(root: yaml.MappingNode, path: Path) -> dict[str, object]:
    loader = yaml.SafeLoader("")
    try:
        value = loader.construct_document(root)
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
    if not all(isinstance(key, str) for key in value):
        raise UserError(f"{path} is no task: its keys must be strings.")
    return dict(value)


def _note_places(node: yaml.Node, keys: Keys, name: str, places: dict[Keys, str]) -> None:
    places.setdefault(keys, f"{name}, line {node.start_mark.line + 1}")
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*keys, str(key.value))
            places[inner] = f"{name}, line {key.start_mark.line + 1}"
            _note_places(value, inner, name, places)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_places(value, (*keys, index), name, places)


def override(source: Source, text: str) -> Source:
    """`source` with `section.key=value` on top, the value in YAML. Raises `UserError` on another form."""
    path, separator, raw = text.partition("=")
    keys = tuple(path.strip().split("."))
    if not separator or not all(keys):
        raise UserError(f"The override {text!r} has no form: write `-c section.key=value`.")
    try:
        value: object = yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise UserError(f"The value of the override {text!r} is not YAML.") from error
    for key in reversed(keys[1:]):
        value = {key: value}
    above = from_values({keys[0]: value}, "")
    # A section that only the override names stands there; one that the file has stays the file's.
    names = {keys[:n]: f"-c {text}" for n in range(1, len(keys))}
    return Source(_merge(source.value, above.value), names | source.places | {keys: f"-c {text}"})


def _merge(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _sentence(source: Source, loc: Keys, message: str) -> str:
    where = f"{source.place(loc)}: `{'.'.join(map(str, loc)) or 'the task'}`"
    known = _known_keys(loc[:-1])
    if known and loc[-1] not in known:
        near = difflib.get_close_matches(str(loc[-1]), known, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"the keys here are {', '.join(sorted(known))}."
        return f"{where} is no key of a task; {hint}"
    return f"{where}: {message[:1].lower()}{message[1:]}."


def _known_keys(loc: Keys) -> set[str]:
    """The keys that a section may have; empty where there is no fixed set."""
    kind: object = TaskConfig
    for key in loc:
        if isinstance(kind, type) and issubclass(kind, BaseModel) and key in kind.model_fields:
            kind = kind.model_fields[str(key)].annotation
        elif get_args(kind) and isinstance(get_args(kind)[-1], type):
            kind = get_args(kind)[-1]
        else:
            return set()
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return set(kind.model_fields)
    if isinstance(kind, type) and is_dataclass(kind):
        return {item.name for item in fields(kind)}
    return set()
