"""Functions in one session."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ossia.tools.protocol import ToolContext, ToolResult


class Answering(Protocol):
    """A function that answers a call."""

    async def answer(self, recipient: str, arguments: str, context: ToolContext) -> ToolResult: ...


@dataclass(frozen=True, slots=True)
class OpenFunctions:
    """The functions of a namespace, by recipient."""

    functions: Mapping[str, Answering]
    context: ToolContext

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        """Validate the arguments, call the function and render what it returns."""
        function = self.functions.get(recipient)
        if function is None:
            known = ", ".join(self.functions)
            return ToolResult(f"There is no function called {recipient!r}. There are: {known}.", error=True)
        return await function.answer(recipient, arguments, self.context)
