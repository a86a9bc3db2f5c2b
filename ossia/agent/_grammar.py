"""Which completions of a session are held to a grammar, and to which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from ossia import harmony
from ossia.agent._output import OutputFormat
from ossia.engine.protocol import EngineInfo
from ossia.errors import UserError
from ossia.types import Grammar, ToolNamespace

GrammarUse: TypeAlias = Literal["off", "on", "after_malformed"]
"""off: never. on: every completion. after_malformed: those that follow one that was malformed, called a tool that was
not declared, or gave an answer of the wrong form; and forced answers that must have a form."""


@dataclass(slots=True)
class Grammars:
    """The grammars of a session, as far as its engine can hold completions to any."""

    use: GrammarUse
    call: Grammar
    """A call of a declared tool, or a final answer, of the form that was asked for."""
    final: Grammar | None
    """What follows the header of a forced final answer; None: any text."""

    def pick(self, *, malformed: bool, forced: bool) -> Grammar | None:
        """The grammar of the next completion. `malformed`: something was wrong with the last one."""
        if self.use == "off":
            return None
        if forced:
            return self.final
        return self.call if malformed or self.use == "on" else None


def check_use(use: str) -> None:
    """Raises `UserError` for a word that says no use of grammars."""
    if use not in get_args(GrammarUse):
        raise UserError(f"grammar is {use!r}: give one of {', '.join(map(repr, get_args(GrammarUse)))}.")


def grammars(
    use: GrammarUse, info: EngineInfo, tools: Sequence[ToolNamespace], output: OutputFormat | None
) -> Grammars:
    """Raises `UserError` where grammars are `on` and the engine takes none."""
    if not info.capabilities.grammar:
        if use == "on":
            raise UserError(
                f"The engine {info.spec} takes no grammar: leave `grammar` at 'after_malformed', which uses one where "
                "the engine can."
            )
        use = "off"
    schema = output.schema if output else None
    return Grammars(
        use,
        call=harmony.call_grammar(tools, final_schema=schema),
        final=None if schema is None else harmony.json_grammar(schema),
    )
