"""The public API as plain text: names, signatures, fields, defaults.

python -m tests.contract.api > tests/contract/api.txt
"""

import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator

PACKAGES = ("ossia", "ossia.harmony", "ossia.engine", "ossia.sandbox", "ossia.tools", "ossia.testing", "ossia.agent")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
MODULE = re.compile(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])")
"""Of a name in an annotation: where in a package something stands is nobody else's business."""


def describe() -> str:
    """Each public name on a line, its members below it."""
    return "\n".join(line for package in PACKAGES for line in _package(package)) + "\n"


def _package(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    yield f"# {name}"
    for public in sorted(module.__all__):
        yield from _name(public, getattr(module, public))


def _name(name: str, value: object) -> Iterator[str]:
    if inspect.isclass(value):
        bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        yield f"class {name}({bases})"
        yield from _members(value)
    elif callable(value) and not hasattr(value, "__origin__"):
        yield f"def {name}{_signature(value)}"
    else:
        yield f"{name} = {_plain(repr(value))}"


def _members(cls: type) -> Iterator[str]:
    if not issubclass(cls, BaseException):
        yield f"    {cls.__name__}{_signature(cls)}"
    fields = {field.name for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else set()
    annotated = {name: a for base in reversed(cls.__mro__) for name, a in vars(base).get("__annotations__", {}).items()}
    for name, annotation in annotated.items():
        if not name.startswith("_"):
            yield f"    {name}: {_text(annotation)}"
    for name in dir(cls):
        if name.startswith("_") or name in fields or name in annotated:
            continue
        yield from _member(name, inspect.getattr_static(cls, name), cls)


def _member(name: str, value: object, cls: type) -> Iterator[str]:
    if not any(name in vars(base) for base in cls.__mro__ if base.__module__.startswith("ossia")):
        return  # inherited from Python or a library
    if isinstance(value, property):
        yield f"    {name} -> {_signature(value.fget).rpartition(' -> ')[2]}"
    elif isinstance(value, classmethod | staticmethod) or inspect.isfunction(value):
        function = getattr(value, "__func__", value)
        kind = "async def" if inspect.iscoroutinefunction(function) else "def"
        yield f"    {kind} {name}{_signature(function)}"


def _signature(value: object) -> str:
    try:
        return _plain(str(inspect.signature(value)))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "(...)"


def _text(annotation: object) -> str:
    return _plain(annotation if isinstance(annotation, str) else inspect.formatannotation(annotation))


def _plain(text: str) -> str:
    return MODULE.sub("", ADDRESS.sub("", text))


if __name__ == "__main__":
    print(describe(), end="")
