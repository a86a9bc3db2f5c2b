"""Functions of one namespace as one tool, and the tools of an agent in order."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from inspect import isclass, isroutine

from ossia.errors import UserError
from ossia.tools.functions._function import Function, tool
from ossia.tools.functions._open import OpenFunctions
from ossia.tools.functions.names import callable_names, is_callable_name
from ossia.tools.protocol import Tool, ToolContext, ToolSource
from ossia.types import ToolNamespace


class FunctionTools:
    """The user's functions as one namespace: what an agent makes of the functions among its tools."""

    def __init__(
        self, functions: Iterable[Callable[..., object]], namespace: str = "functions", description: str = ""
    ) -> None:
        """`functions`: decorated or not; `description`: of the namespace, shown above its functions.

        Raises `UserError` where two functions have one name, or one can't be a tool (see `tool`).
        """
        if not is_callable_name(namespace):
            raise UserError(f"{namespace!r} can't be a namespace: use letters, digits, `_` and `-`, no digit first.")
        self.functions = tuple(f if isinstance(f, Function) else tool(f) for f in functions)
        if not self.functions:
            raise UserError(f"The namespace {namespace!r} has no functions: give it some.")
        names = callable_names([f.options.name for f in self.functions])
        self.names = {f"{namespace}.{name}": original for original, name in names.items()}
        """The functions' own names, by recipient."""
        self.namespace = ToolNamespace(
            namespace,
            description,
            tuple(f.spec(names[f.options.name]) for f in self.functions),
            placement="developer",
        )

    @property
    def needs(self) -> None:
        """Functions run in the caller's process, not in a sandbox."""
        return None

    @asynccontextmanager
    async def open(self, context: ToolContext) -> AsyncIterator[OpenFunctions]:
        """The functions in one session; they keep no state there."""
        yield OpenFunctions(dict(zip(self.namespace.recipients, self.functions, strict=True)), context)


def collect(tools: Iterable[Tool | ToolSource | Callable[..., object]]) -> tuple[Tool | ToolSource, ...]:
    """An agent's tools, with the functions of each namespace grouped into one tool at the place of the first of them.

    Functions that are not decorated are (by `tool`), so that they need full annotations. Raises `UserError` for what is
    no tool, and for two functions of one name in a namespace.
    """
    found = [_tool(item) for item in tools]
    groups: dict[str, list[Function[..., object] | FunctionTools]] = {}
    for item in found:
        if isinstance(item, Function | FunctionTools):
            groups.setdefault(item.namespace.name, []).append(item)
    collected: list[Tool | ToolSource] = []
    for item in found:
        if not isinstance(item, Function | FunctionTools):
            collected.append(item)
        elif group := groups.pop(item.namespace.name, None):
            collected.append(_grouped(item.namespace.name, group))
    return tuple(collected)


def _grouped(namespace: str, group: list[Function[..., object] | FunctionTools]) -> FunctionTools:
    functions = [f for item in group for f in (item.functions if isinstance(item, FunctionTools) else (item,))]
    description = "\n".join(item.namespace.description for item in group if item.namespace.description)
    return FunctionTools(functions, namespace, description)


def _tool(item: object) -> Tool | ToolSource:
    if isclass(item):
        raise UserError(f"{item.__name__} is a class: give an instance of it, `{item.__name__}(...)`.")
    if isinstance(item, Tool | ToolSource):
        return item
    if isroutine(item) or isinstance(item, partial):
        return tool(item)
    raise UserError(f"{item!r} is no tool: give a tool such as `Python()`, or a function with annotations.")
