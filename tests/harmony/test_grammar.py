"""The call grammar, compiled by the libraries that engines compile it with, over the vocabulary itself."""

import functools
import json

import llguidance
import pytest
import xgrammar

from ossia import UserError, harmony
from ossia.types import FunctionSpec, Grammar, JsonValue, ToolNamespace
from tests.harmony.test_typescript import Order
from tests.harmony.tokens import ids

SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}
QUERY: dict[str, JsonValue] = {"type": "object", "properties": {"q": {"type": "string"}}}
TOOLS = (
    ToolNamespace("python", "Runs code."),
    ToolNamespace(
        "browser", "", (FunctionSpec("search", "", {"type": "object", "properties": {"q": {"type": "string"}}}),)
    ),
    ToolNamespace("functions", "", (FunctionSpec("weather", "", SCHEMA), FunctionSpec("now")), "developer"),
)
C, M, CALL, RETURN = "<|channel|>", "<|message|>", "<|call|>", "<|return|>"
J = '{"city": "Ulm"}'
THINK = f"{C}analysis{M}hm <|x 👋🏾\n<|end|><|start|>assistant"
SAY = f"{C}commentary{M}I will look.<|end|><|start|>assistant"

GOOD_CALLS = [
    f"{C}commentary to=functions.weather <|constrain|>json{M}{J}{CALL}",
    f"{C}commentary to=functions.weather<|constrain|>json{M}{J}{CALL}",
    f"{C}commentary to=functions.weather json{M}{J}{CALL}",
    f"{C}commentary to=functions.weather code{M}{J}{CALL}",
    f"{C}commentary to=functions.weather{M}{J}{CALL}",
    f"{C}analysis to=functions.weather json{M}{J}{CALL}",
    f"{C}final to=functions.weather json{M}{J}{CALL}",
    f" to=functions.weather{C}commentary <|constrain|>json{M}{J}{CALL}",
    f" to=functions.weather{C}commentary json{M}{J}{CALL}",
    f"{C}commentary to=functions.now json{M}{{}}{CALL}",
    f"{C}analysis to=python code{M}print('a')\nx = 1{CALL}",
    f'{C}analysis to=browser.search code{M}{{"q": "a"}}{CALL}',
    f"{THINK}{SAY}{THINK}{THINK}{SAY}{C}commentary to=functions.weather json{M}{J}{CALL}",
]
GOOD_FINALS = [
    f"{C}final{M}Hello.{RETURN}",
    f"{THINK}{C}final{M}Hello.{RETURN}",
    f"{SAY}{THINK}{SAY}{C}final <|constrain|>json{M}{{}}{RETURN}",
]
BAD = [
    f"{C}commentary to=functions.other json{M}{J}{CALL}",
    f'{C}commentary to=functions.weather json{M}{{"town": "Ulm"}}{CALL}',
    f'{C}commentary to=functions.weather json{M}{{"city": 5}}{CALL}',
    f"{C}commentary to=functions.now json{M}{J}{CALL}",
    f"{C}commentary?{M}x{RETURN}",
    f"{C}commentary{C}final{M}x{RETURN}",
    f"{C}thinking{M}x{RETURN}",
]
BAD_ENDS = [
    f"{C}analysis to=python code{M}1{RETURN}",
    f"{C}commentary to=functions.weather json{M}{J}{RETURN}",
    f"{C}analysis{M}hm{RETURN}",
    f"{C}final{M}hm{CALL}",
    f"{C}commentary to=functions.weather json{M}{J} and so{CALL}",
    f"analysisWe think{RETURN}",
    RETURN,
]


class _Vocabulary:
    eos_token_id = harmony.ENDOFTEXT
    bos_token_id = harmony.STARTOFTEXT
    tokens = tuple(harmony.encoding().bytes_of[i] for i in range(harmony.VOCABULARY))
    special_token_ids = tuple(range(harmony.FIRST_SPECIAL, harmony.VOCABULARY))

    def __call__(self, text: bytes) -> list[int]:
        return harmony.encoding().encode(text.decode("utf-8", "replace"))


@functools.cache
def lark_tokenizer() -> llguidance.LLTokenizer:
    return llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Vocabulary()), eos_token=[harmony.ENDOFTEXT])


@functools.cache
def tag_compiler() -> xgrammar.GrammarCompiler:
    stops = [harmony.RETURN, harmony.CALL, harmony.ENDOFTEXT]
    vocabulary = list(_Vocabulary.tokens)
    info = xgrammar.TokenizerInfo(vocabulary, xgrammar.VocabType.RAW, vocab_size=len(vocabulary), stop_token_ids=stops)
    return xgrammar.GrammarCompiler(info)


def lark_accepts(grammar: Grammar, text: str) -> bool:
    matcher = llguidance.LLMatcher(lark_tokenizer(), grammar.lark)
    assert matcher.get_error() == ""
    tokens = ids(text)
    if matcher.validate_tokens(tokens) != len(tokens):
        return False
    matcher.consume_tokens(tokens)
    return bool(matcher.is_accepting())


def tag_accepts(grammar: Grammar, text: str) -> bool:
    assert grammar.structural_tag is not None
    matcher = xgrammar.GrammarMatcher(tag_compiler().compile_structural_tag(grammar.structural_tag))
    return all(matcher.accept_token(i) for i in ids(text))


@pytest.mark.parametrize("text", GOOD_CALLS + GOOD_FINALS)
def test_what_the_format_allows(text: str) -> None:
    grammar = harmony.call_grammar(TOOLS)
    assert lark_accepts(grammar, text)
    assert tag_accepts(grammar, text)
    completion = harmony.parse_completion(ids(text), [r for t in TOOLS for r in t.recipients])
    assert completion.repairs == []
    assert all(call.declared for call in completion.calls)


@pytest.mark.parametrize("text", BAD)
def test_what_it_forbids(text: str) -> None:
    grammar = harmony.call_grammar(TOOLS)
    assert not lark_accepts(grammar, text)
    assert not tag_accepts(grammar, text)


@pytest.mark.parametrize("text", BAD_ENDS)
def test_ends_that_only_the_lark_grammar_can_forbid(text: str) -> None:
    assert not lark_accepts(harmony.call_grammar(TOOLS), text)


def test_a_call_or_a_final_can_be_required() -> None:
    call, final = harmony.call_grammar(TOOLS, require="call"), harmony.call_grammar(TOOLS, require="final")
    for text in GOOD_CALLS:
        assert lark_accepts(call, text)
        assert tag_accepts(call, text)
        assert not lark_accepts(final, text)
        assert not tag_accepts(final, text) or "to=" in text.partition(C)[0]
    for text in GOOD_FINALS:
        assert lark_accepts(final, text)
        assert tag_accepts(final, text)
        assert not lark_accepts(call, text)
        assert not tag_accepts(call, text)


def test_a_final_that_fits_a_schema() -> None:
    grammar = harmony.call_grammar(TOOLS, final_schema=SCHEMA)
    for accepts in (lark_accepts, tag_accepts):
        assert accepts(grammar, f"{THINK}{C}final{M}{J}{RETURN}")
        assert accepts(grammar, f"{C}final <|constrain|>json{M}{J}{RETURN}")
        assert not accepts(grammar, f"{C}final{M}Hello{RETURN}")
        assert accepts(grammar, GOOD_CALLS[0])


def test_without_tools_there_are_no_calls() -> None:
    grammar = harmony.call_grammar(())
    for accepts in (lark_accepts, tag_accepts):
        assert accepts(grammar, f"{THINK}{C}final{M}Hi{RETURN}")
        assert not accepts(grammar, f"{C}commentary to=functions.weather json{M}{J}{CALL}")


def test_a_call_cannot_be_required_where_there_is_no_tool() -> None:
    with pytest.raises(UserError, match="no tools"):
        harmony.call_grammar((), require="call")


def test_json_behind_a_forced_final() -> None:
    grammar = harmony.json_grammar(SCHEMA)
    for accepts in (lark_accepts, tag_accepts):
        assert accepts(grammar, f"{J}{RETURN}")
        assert not accepts(grammar, f"Hello{RETURN}")


def test_schemas_with_references_and_unknown_keywords_compile() -> None:
    schema: dict[str, JsonValue] = json.loads(json.dumps(Order.model_json_schema())) | {"x-other": 1}
    grammar = harmony.call_grammar([ToolNamespace("functions", "", (FunctionSpec("order", "", schema),), "developer")])
    order = (
        '{"count": 1, "item": {"name": "a", "parts": [{"name": "b"}]}, "mode": "fast", "only": "one", "pair": [1, "x"]}'
    )
    for accepts in (lark_accepts, tag_accepts):
        assert accepts(grammar, f"{C}commentary to=functions.order json{M}{order}{CALL}")
        assert not accepts(grammar, f'{C}commentary to=functions.order json{M}{{"count": "x"}}{CALL}')


def test_names_that_cannot_be_declared_are_refused() -> None:
    with pytest.raises(UserError):
        harmony.call_grammar([ToolNamespace('a"b')])
