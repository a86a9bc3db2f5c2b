"""`@tool`: a typed Python function that the model can call."""

import functools
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Generic, ParamSpec, TypeVar, overload

from pydantic import ValidationError

from ossia.errors import UserError
from ossia.tools.functions._act import Raised, Returned, TimedOut, ToolError, act
from ossia.tools.functions._docstring import read_docstring
from ossia.tools.functions._open import OpenFunctions
from ossia.tools.functions._parameters import Parameters, bare, read_parameters
from ossia.tools.functions._render import Unrenderable, render
from ossia.tools.functions.arguments import invalid, problems, read_object
from ossia.tools.functions.bugs import describe, trace
from ossia.tools.functions.names import callable_names, is_callable_name
from ossia.tools.protocol import ToolContext, ToolResult
from ossia.types import FunctionSpec, Scalar, ToolNamespace

P = ParamSpec("P")
R = TypeVar("R")

TIMEOUT = 120.0
MAX_CHARS = 50_000


@dataclass(frozen=True, slots=True)
class FunctionOptions:
    """How a function is shown to the model and called."""

    name: str
    description: str
    namespace: str = "functions"
    timeout: float | None = TIMEOUT
    """Seconds that a call may take; None: as long as it likes."""
    max_chars: int = MAX_CHARS
    """Most characters of one result that the model sees: head and tail are kept, the middle is left out."""


class Function(Generic[P, R]):
    """A function that the model can call, made by `@tool`. Python code calls it as before.

    It is a tool by itself (`opened(exchange_rate)`); an agent groups all functions of a namespace into one tool.
    """

    def __init__(self, function: Callable[P, R], options: FunctionOptions, parameters: Parameters) -> None:
        functools.update_wrapper(self, bare(function))
        self.function = function
        self.options = options
        self.parameters = parameters

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self.options.namespace}.{self.options.name}>"

    @property
    def needs(self) -> None:
        """A function runs in the caller's process, not in a sandbox."""
        return None

    @property
    def namespace(self) -> ToolNamespace:
        """The namespace with this one function in it."""
        return ToolNamespace(self.options.namespace, functions=(self.spec(self._callable_name),), placement="developer")

    @asynccontextmanager
    async def open(self, context: ToolContext) -> AsyncIterator[OpenFunctions]:
        """The function in one session."""
        yield OpenFunctions({f"{self.options.namespace}.{self._callable_name}": self}, context)

    def spec(self, name: str) -> FunctionSpec:
        """What the model is told of the function, which it is to call `name`."""
        return FunctionSpec(name, self.options.description, self.parameters.schema)

    async def answer(self, recipient: str, arguments: str, context: ToolContext) -> ToolResult:
        """Answer a call of the model. Raises `InfrastructureError` where the function did, and nothing else."""
        try:
            given = self.parameters.validate(read_object(arguments, context.parse), context)
        except ValidationError as error:
            return invalid(recipient, problems(error), self.parameters.schema)
        except ValueError as error:
            return invalid(recipient, [str(error)], self.parameters.schema)
        result = self._result(recipient, await act(self.function, given, self.options.timeout))
        if recipient == f"{self.options.namespace}.{self.options.name}":
            return result
        # The journal names the function as its author does, where the model has to call it otherwise.
        return replace(result, details={**result.details, "function": self.options.name})

    @property
    def _callable_name(self) -> str:
        return callable_names([self.options.name])[self.options.name]

    def _result(self, recipient: str, outcome: Returned | Raised | TimedOut) -> ToolResult:
        match outcome:
            case Returned(value):
                try:
                    return render(value, self.options.max_chars)
                except Unrenderable as error:
                    return _bug(f"{recipient} returned what can't be shown: {error}", error)
            case TimedOut(seconds):
                text = f"{recipient} was stopped: it did not answer within {seconds:g} s."
                return ToolResult(text, error=True, details={"status": "timeout"})
            case Raised(ToolError() as told):
                return ToolResult(str(told) or f"{recipient} failed.", error=True, details={"status": "tool_error"})
            case Raised(error):
                text = f"{recipient} failed with an error of its own, which is no fault of this call: {describe(error)}"
                return _bug(text, error)


def _bug(text: str, error: BaseException) -> ToolResult:
    details: dict[str, Scalar] = {"status": "bug", "bug": True, "traceback": trace(error)}
    return ToolResult(text, error=True, details=details)


@overload
def tool(
    function: Callable[P, R],
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    namespace: str = "functions",
    timeout: float | None = TIMEOUT,
    max_chars: int = MAX_CHARS,
) -> Function[P, R]: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    namespace: str = "functions",
    timeout: float | None = TIMEOUT,
    max_chars: int = MAX_CHARS,
) -> Callable[[Callable[P, R]], Function[P, R]]: ...


def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    namespace: str = "functions",
    timeout: float | None = TIMEOUT,
    max_chars: int = MAX_CHARS,
) -> Function[P, R] | Callable[[Callable[P, R]], Function[P, R]]:
    """Let the model call a typed function, sync or async: `@tool`, `@tool(timeout=5)` or `tool(instance.method)`.

    Its parameters' types come from the annotations, their descriptions from the docstring (Google, NumPy or Sphinx
    style) or from `Annotated[..., Field(description=...)]`. A parameter annotated `ToolContext` is given the session's
    and not shown. Functions that are not async run in a thread.

    `name`, `description`: what the model is told, else the function's name and docstring.
    `timeout`: seconds that a call may take. `max_chars`: most characters of one result.

    Raises `UserError` where a parameter has no annotation, or one that can't be read from JSON.
    """

    def decorate(function: Callable[P, R]) -> Function[P, R]:
        function = function.function if isinstance(function, Function) else function
        plain = bare(function)
        options = FunctionOptions(
            name=plain.__name__ if name is None else name,
            description="",
            namespace=namespace,
            timeout=timeout,
            max_chars=max_chars,
        )
        _check(plain, options)
        documentation = read_docstring(plain.__doc__)
        options = replace(options, description=documentation.description if description is None else description)
        return Function(function, options, read_parameters(function, options.name, documentation.parameters))

    return decorate if function is None else decorate(function)


def _check(plain: Callable[..., object], options: FunctionOptions) -> None:
    name = options.name
    if inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain):
        raise UserError(f"{name!r} is a generator: a call has one result, so let it return a list.")
    if not is_callable_name(options.namespace):
        raise UserError(
            f"{options.namespace!r} can't be a namespace: use letters, digits, `_` and `-`, no digit first."
        )
    if options.timeout is not None and options.timeout <= 0:
        raise UserError(f"tool(timeout={options.timeout}) of {name!r}: give the seconds that a call may take, or None.")
    if options.max_chars < 200:
        raise UserError(f"tool(max_chars={options.max_chars}) of {name!r}: a result needs at least 200 characters.")
    callable_names([name])
