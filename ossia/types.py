"""The leaves that every package may use: JSON values, token ids, tool declarations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

JsonValue: TypeAlias = "None | bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue]"
"""What `json.loads` returns, and what `json.dumps` takes."""

Scalar: TypeAlias = str | int | float | bool | None
"""A JSON value without parts."""

JsonSchema: TypeAlias = Mapping[str, JsonValue]
"""A JSON Schema object, as pydantic and MCP servers emit them."""

TokenIds: TypeAlias = Sequence[int]
"""Token ids of o200k_harmony, shape [n], each in [0, 201_088)."""

Channel: TypeAlias = Literal["analysis", "commentary", "final"]
Effort: TypeAlias = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One callable function of a tool namespace."""

    name: str
    """Name inside its namespace, such as `search` of `browser.search`."""
    description: str = ""
    parameters: JsonSchema | None = None
    """JSON Schema of the arguments object; None: the function takes none."""


@dataclass(frozen=True, slots=True)
class ToolNamespace:
    """What a tool declares to the model: a namespace of functions, or (no functions) one tool that takes raw text.

    `ToolNamespace("python", "Use this tool ...")` is called as `python` with code;
    `ToolNamespace("browser", ..., (FunctionSpec("search", ...), ...))` as `browser.search` with JSON.
    """

    name: str
    description: str = ""
    functions: tuple[FunctionSpec, ...] = ()
    placement: Literal["system", "developer"] = "system"
    """Where it is declared: trained tools in the system message, the user's `functions` in the developer message."""

    @property
    def recipients(self) -> tuple[str, ...]:
        """Every recipient that a call to this namespace may name."""
        return tuple(f"{self.name}.{f.name}" for f in self.functions) or (self.name,)


@dataclass(frozen=True, slots=True)
class Grammar:
    """What completions a model may write, as data that an engine compiles. Built by `ossia.harmony`, applied by engines
    that say `capabilities.grammar`.
    """

    lark: str
    """A Lark grammar in llguidance's dialect, its control tokens named as `<|channel|>`. It ends with `<|call|>` or
    `<|return|>` itself: compile it with `<|endoftext|>` as the only end-of-sequence id."""
    structural_tag: str | None = None
    """The same as a structural tag (JSON) for xgrammar, as far as that can say it: compile it with the stop ids as stop
    tokens. It holds headers, recipients and arguments, not how the last message ends."""
