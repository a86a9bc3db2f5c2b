"""The call grammar: every completion that the format and the declared tools allow, as data that an engine compiles."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ossia.errors import UserError
from ossia.harmony._encoding import CHANNEL, CONSTRAIN, MESSAGE
from ossia.harmony._prompt import check_tools
from ossia.types import Grammar, JsonSchema, JsonValue, ToolNamespace

Require = Literal["any", "call", "final"]
_CHANNELS = ("analysis", "commentary", "final")
_KINDS = ("json", "code")
_NOTHING: JsonSchema = {"type": "object", "properties": {}, "additionalProperties": False}

_LARK = r"""
thought: <|channel|> /analysis|commentary/ <|message|> TEXT
type: (" "? <|constrain|> KIND | " " KIND)?
KIND: "json" | "code"
CHANNEL: "analysis" | "commentary" | "final"
TEXT: /(.|\n)*/
ANSWER: /\s*\S(.|\n)*/
"""
# Without a bound a model can write blanks between the parts of a JSON object for ever, and be well-formed all along.
_MOST_BLANKS = 32
_BLANKS = rf"[ \t\r\n]{{0,{_MOST_BLANKS}}}"


@dataclass(frozen=True, slots=True)
class _Call:
    recipient: str
    schema: JsonSchema | None
    """None: the tool takes raw text."""


def call_grammar(
    tools: Sequence[ToolNamespace], *, require: Require = "any", final_schema: JsonSchema | None = None
) -> Grammar:
    """The grammar of one completion: any number of analysis and preamble messages, then a call or the final answer.

    Calls name declared tools, before or behind the channel, on any channel, with ` json`, ` code` or either behind
    `<|constrain|>`; JSON arguments fit their schema. `require`: how it must end. `final_schema`: what the final must
    fit; without one it is any text that is not blank. At most 32 blanks stand between the parts of JSON. Raises
    `UserError` on tool names that can't be declared, and where a call is required of no tools.
    """
    check_tools(tools)
    calls = [c for tool in tools for c in _calls(tool)]
    if require == "call" and not calls:
        raise UserError("a grammar can't require a call where there are no tools; declare a tool or drop `require`")
    return Grammar(lark=_lark(calls, require, final_schema), structural_tag=_tag(calls, require, final_schema))


def json_grammar(schema: JsonSchema) -> Grammar:
    """The grammar of a completion that continues a forced final: JSON that fits `schema`, then `<|return|>`."""
    tag = {"type": "structural_tag", "format": _json(schema)}
    return Grammar(lark=f"start: %json {_lenient(schema)} <|return|>\n", structural_tag=json.dumps(tag))


def _calls(tool: ToolNamespace) -> list[_Call]:
    if not tool.functions:
        return [_Call(tool.name, None)]
    return [_Call(f"{tool.name}.{f.name}", _NOTHING if f.parameters is None else f.parameters) for f in tool.functions]


def _lenient(schema: JsonSchema) -> str:
    # Keywords that the compiler doesn't know are left to validation instead of refusing the grammar.
    return json.dumps({**schema, "x-guidance": {"lenient": True, "whitespace_pattern": _BLANKS}})


def _lark(calls: Sequence[_Call], require: Require, final_schema: JsonSchema | None) -> str:
    ends = []
    if require != "final" and calls:
        ends.append("call <|call|>")
    if require != "call":
        ends.append("final <|return|>")
    lines = ['start: (thought <|end|> <|start|> "assistant")* last', f"last: {' | '.join(ends)}"]
    if require != "final" and calls:
        lines.append(f"call: {' | '.join(f'call_{n}' for n in range(len(calls)))}")
        for n, call in enumerate(calls):
            to = json.dumps(f" to={call.recipient}")
            content = "TEXT" if call.schema is None else f"%json {_lenient(call.schema)}"
            lines.append(f"call_{n}: head_{n} <|message|> content_{n}")
            lines.append(f"head_{n}: {to} <|channel|> CHANNEL type | <|channel|> CHANNEL {to} type")
            lines.append(f"content_{n}: {content}")
    if require != "call":
        content = "ANSWER" if final_schema is None else f"%json {_lenient(final_schema)}"
        lines += ['final: <|channel|> "final" type <|message|> final_content', f"final_content: {content}"]
    return "\n".join(lines) + _LARK


def _token(token: int) -> JsonValue:
    return {"type": "token", "token": token}


def _text(text: str) -> JsonValue:
    return {"type": "const_string", "value": text}


def _sequence(*elements: JsonValue) -> JsonValue:
    return {"type": "sequence", "elements": list(elements)}


def _either(*elements: JsonValue) -> JsonValue:
    return elements[0] if len(elements) == 1 else {"type": "or", "elements": list(elements)}


def _json(schema: JsonSchema) -> JsonValue:
    # A model may write blanks for ever where nothing bounds them.
    return {"type": "json_schema", "json_schema": schema, "max_whitespace_cnt": _MOST_BLANKS}


def _tag(calls: Sequence[_Call], require: Require, final_schema: JsonSchema | None) -> str:
    """What may stand behind each `<|channel|>`. xgrammar knows no stop token inside a grammar, so that neither the end
    of a call nor what `require` asks of the last message can be said."""
    kinds = [_sequence(_text(" "), _token(CONSTRAIN), _either(*map(_text, _KINDS)))]
    kinds += [_sequence(_token(CONSTRAIN), _either(*map(_text, _KINDS))), *(_text(f" {k}") for k in _KINDS)]
    headers = [_sequence(_either(_text("analysis"), _text("commentary")), _token(MESSAGE))]
    if require != "final" and calls:
        # The recipient stood in the role already: which one is not known here, so that its arguments stay free.
        headers.append(_sequence(_either(*map(_text, _CHANNELS[:2])), _either(*kinds), _token(MESSAGE)))
        headers += [_tag_call(call, kinds) for call in calls]
    if require != "call":
        final = [_text("final"), _either(*kinds, _text("")), _token(MESSAGE)]
        headers.append(_sequence(*final, *([_json(final_schema)] if final_schema is not None else [])))
    rules: JsonValue = [[CHANNEL, _either(*headers)]]
    return json.dumps({"type": "structural_tag", "format": {"type": "token_dispatch", "rules": rules, "loop": True}})


def _tag_call(call: _Call, kinds: Sequence[JsonValue]) -> JsonValue:
    header = _either(*(_text(f"{channel} to={call.recipient}") for channel in _CHANNELS))
    content = [] if call.schema is None else [_json(call.schema)]
    return _sequence(header, _either(*kinds, _text("")), _token(MESSAGE), *content)
