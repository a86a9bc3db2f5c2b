"""Prompts are token for token what openai_harmony renders, wherever that says what the config says."""

from typing import Any, Literal

import openai_harmony as reference
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ossia import UserError, harmony
from ossia.types import Effort, FunctionSpec, JsonValue, ToolNamespace

ENCODING = reference.load_harmony_encoding("HarmonyGptOss")
PYTHON = reference.ToolNamespaceConfig.python()
BROWSER = reference.ToolNamespaceConfig.browser()
WEATHER: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
        "format": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
    },
    "required": ["location"],
}
KITCHEN_SINK: dict[str, JsonValue] = {
    "description": "params object",
    "type": "object",
    "properties": {
        "string": {"type": "string", "title": "STRING", "description": "A string", "examples": ["hello", "world"]},
        "nullable": {"type": "string", "nullable": True, "description": "A nullable string", "default": "the default"},
        "enum": {"type": "string", "enum": ["a", "b", "c"]},
        "either": {
            "oneOf": [
                {"type": "string", "default": "default_string_in_oneof"},
                {"type": "number", "description": "numbers can happen too"},
            ],
            "description": "a oneof",
            "default": 20,
        },
    },
}


def namespace(config: Any, placement: Literal["system", "developer"] = "system") -> ToolNamespace:
    functions = tuple(FunctionSpec(t.name, t.description, t.parameters) for t in config.tools)
    return ToolNamespace(config.name, config.description or "", functions, placement)


def functions(*tools: tuple[str, str, dict[str, JsonValue] | None]) -> ToolNamespace:
    return ToolNamespace("functions", "", tuple(FunctionSpec(*t) for t in tools), "developer")


def expected(system: Any, developer: Any | None = None) -> list[int]:
    messages = [reference.Message.from_role_and_content(reference.Role.SYSTEM, system)]
    if developer is not None:
        messages.append(reference.Message.from_role_and_content(reference.Role.DEVELOPER, developer))
    conversation = reference.Conversation.from_messages(messages)
    ids: list[int] = ENCODING.render_conversation(conversation)
    return ids


def check(config: harmony.PromptConfig, system: Any, developer: Any | None = None) -> None:
    rendered, wanted = harmony.render_prompt(config), expected(system, developer)
    assert harmony.encoding().decode(rendered) == harmony.encoding().decode(wanted)
    assert rendered == wanted


def test_nothing_but_defaults() -> None:
    check(harmony.PromptConfig(), reference.SystemContent.new())


@pytest.mark.parametrize("effort", ["low", "medium", "high"])
def test_effort_and_instructions(effort: Effort) -> None:
    text = "Answer the user's questions like a robot."
    check(
        harmony.PromptConfig(instructions=text, effort=effort),
        reference.SystemContent.new().with_reasoning_effort(reference.ReasoningEffort(effort.capitalize())),
        reference.DeveloperContent.new().with_instructions(text),
    )


def test_dates_and_channels() -> None:
    check(
        harmony.PromptConfig(date="2021-01-01", knowledge_cutoff="2021-01", channels=("analysis", "final")),
        reference.SystemContent.new()
        .with_conversation_start_date("2021-01-01")
        .with_knowledge_cutoff("2021-01")
        .with_required_channels(["analysis", "final"]),
    )


def test_without_knowledge_cutoff() -> None:
    assert "Knowledge" not in harmony.encoding().decode(
        harmony.render_prompt(harmony.PromptConfig(knowledge_cutoff=None))
    )


def test_identity() -> None:
    check(harmony.PromptConfig(identity="You are X."), reference.SystemContent.new().with_model_identity("You are X."))


@pytest.mark.parametrize("order", [(BROWSER, PYTHON), (PYTHON, BROWSER), (BROWSER,), (PYTHON,)])
def test_trained_tools(order: tuple[Any, ...]) -> None:
    system = reference.SystemContent.new().with_conversation_start_date("2025-06-28")
    for tool in order:
        system = system.with_tools(tool)
    check(harmony.PromptConfig(date="2025-06-28", tools=tuple(map(namespace, order))), system)


def test_functions_and_trained_tools() -> None:
    tools = [
        ("get_location", "Gets the location of the user.", None),
        ("get_current_weather", "Gets the current weather.\n\nIn the provided location.", WEATHER),
        ("kitchensink", "A function with various complex schemas.", KITCHEN_SINK),
    ]
    check(
        harmony.PromptConfig(instructions="Always respond in riddles", tools=(namespace(BROWSER), functions(*tools))),
        reference.SystemContent.new().with_browser_tool(),
        reference.DeveloperContent.new()
        .with_instructions("Always respond in riddles")
        .with_function_tools([reference.ToolDescription.new(*t) for t in tools]),
    )


def test_functions_in_the_system_message() -> None:
    config = harmony.PromptConfig(
        tools=(functions(("f", "Does.", WEATHER)),), options=harmony.RenderOptions(tools="system")
    )
    namespace_config = reference.ToolNamespaceConfig(
        name="functions", description=None, tools=[reference.ToolDescription.new("f", "Does.", WEATHER)]
    )
    check(config, reference.SystemContent.new().with_tools(namespace_config))


def test_trained_tools_in_the_developer_message() -> None:
    config = harmony.PromptConfig(tools=(namespace(PYTHON),), options=harmony.RenderOptions(tools="developer"))
    check(config, reference.SystemContent.new(), reference.DeveloperContent.new().with_tools(PYTHON))


plain: st.SearchStrategy[dict[str, JsonValue]] = st.one_of(
    st.sampled_from(["string", "number", "integer", "boolean"]).map(lambda t: {"type": t}),
    st.lists(st.sampled_from(["a", "b b", "é"]), min_size=1, max_size=3, unique=True).map(
        lambda e: {"type": "string", "enum": e}
    ),
    st.just({"type": ["string", "null"]}),
    st.just({"type": "array"}),
    st.just({}),
)
described = st.tuples(plain, st.sampled_from(["", "What it is."]), st.sampled_from([None, 3, "a", [1]])).map(
    lambda p: p[0] | ({"description": p[1]} if p[1] else {}) | ({"default": p[2]} if p[2] is not None else {})
)
keys = st.sampled_from(["alpha", "beta_2", "gamma", "delta"])


def objects(inner: st.SearchStrategy[dict[str, JsonValue]]) -> st.SearchStrategy[dict[str, JsonValue]]:
    return st.dictionaries(keys, inner, min_size=1, max_size=3).flatmap(
        lambda p: st.lists(st.sampled_from(sorted(p)), max_size=3, unique=True).map(
            lambda r: {"type": "object", "properties": p, "required": r}
        )
    )


arrays = st.one_of(
    st.sampled_from(["string", "number"]).map(lambda t: {"type": "array", "items": {"type": t}}),
    objects(described).map(lambda o: {"type": "array", "items": o}),
)
schemas = objects(st.one_of(described, arrays, objects(described), objects(objects(described))))


@settings(max_examples=80, deadline=None)
@given(schemas)
def test_schemas_that_the_reference_can_say(schema: dict[str, JsonValue]) -> None:
    check(
        harmony.PromptConfig(tools=(functions(("f", "Does it.", schema)),)),
        reference.SystemContent.new(),
        reference.DeveloperContent.new().with_function_tools([reference.ToolDescription.new("f", "Does it.", schema)]),
    )


def test_response_formats() -> None:
    config = harmony.PromptConfig(
        instructions="List.",
        response_formats={"shopping_list": harmony.ResponseFormat({"type": "object"}, "What to buy\nand how many")},
    )
    assert (
        harmony.encoding()
        .decode(harmony.render_prompt(config))
        .endswith(
            "<|start|>developer<|message|># Instructions\n\nList.\n\n# Response Formats\n\n## shopping_list\n\n"
            '// What to buy\n// and how many\n{"type":"object"}<|end|>'
        )
    )


def text(message: harmony.Message, **options: Any) -> str:
    return harmony.encoding().decode(harmony.render_message(message, harmony.RenderOptions(**options)))


def test_messages() -> None:
    assert text(harmony.Message("user", "hi")) == "<|start|>user<|message|>hi<|end|>"
    assert text(harmony.Message("assistant", "hi")) == "<|start|>assistant<|channel|>final<|message|>hi<|end|>"
    assert (
        text(harmony.Message("assistant", "{}", "final", content_type="<|constrain|>json"))
        == "<|start|>assistant<|channel|>final <|constrain|>json<|message|>{}<|end|>"
    )
    assert (
        text(harmony.Message("tool", "42", "analysis", name="python"))
        == "<|start|>python to=assistant<|channel|>analysis<|message|>42<|end|>"
    )
    with pytest.raises(UserError, match="name"):
        harmony.render_message(harmony.Message("tool", "42"))


def test_calls_in_both_orders() -> None:
    call = harmony.Message("assistant", "{}", None, "functions.f")
    code = harmony.Message("assistant", "1", "analysis", "python")
    assert text(call) == "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"
    assert text(code) == "<|start|>assistant<|channel|>analysis to=python code<|message|>1<|call|>"
    assert (
        text(call, header="recipient_first")
        == "<|start|>assistant to=functions.f<|channel|>commentary <|constrain|>json<|message|>{}<|call|>"
    )
    assert (
        text(code, header="recipient_first")
        == "<|start|>assistant to=python<|channel|>analysis code<|message|>1<|call|>"
    )


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        ((ToolNamespace("python"), ToolNamespace("python")), "two tools are called 'python'"),
        ((functions(("f", "", None), ("f", "", None)),), "called 'f'"),
        ((ToolNamespace("assistant"),), "means something else"),
        ((ToolNamespace("final"),), "means something else"),
        ((ToolNamespace("a b"),), "can't be the name"),
        ((functions(("f.g", "", None)),), "can't be the name"),
        ((functions(("f", "", {"type": "strnig"})),), "no JSON Schema"),
        ((functions(("f", "", {"$ref": "#/$defs/X"})),), "names nothing"),
    ],
)
def test_mistakes_in_tools(tools: tuple[ToolNamespace, ...], problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        harmony.render_prompt(harmony.PromptConfig(tools=tools))


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"effort": "max"}, "effort is 'max'; use 'low', 'medium', 'high'"),
        ({"options": harmony.RenderOptions(analysis="never")}, "a number of turns"),  # type: ignore[arg-type]
        ({"options": harmony.RenderOptions(analysis=-1)}, "0 or more"),
        ({"options": harmony.RenderOptions(header="x")}, "channel_first"),  # type: ignore[arg-type]
        ({"options": harmony.RenderOptions(tools="x")}, "declared"),  # type: ignore[arg-type]
        ({"channels": ("thoughts",)}, "channels"),
        ({"response_formats": {"a": harmony.ResponseFormat({"type": 5})}}, "no JSON Schema"),
    ],
)
def test_mistakes_in_the_config(config: dict[str, Any], problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        harmony.render_prompt(harmony.PromptConfig(**config))
    with pytest.raises(UserError, match=problem):
        harmony.Transcript.start(harmony.PromptConfig(**config))


def reference_text(conversation: list[Any]) -> str:
    text: str = ENCODING.decode(ENCODING.render_conversation(reference.Conversation.from_messages(conversation)))
    return text


def reference_function(schema: dict[str, JsonValue]) -> str:
    developer = reference.DeveloperContent.new().with_function_tools([reference.ToolDescription.new("f", "", schema)])
    return reference_text([reference.Message.from_role_and_content(reference.Role.DEVELOPER, developer)])


OBJECT: dict[str, JsonValue] = {"type": "object", "description": "D.", "properties": {"q": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "theirs"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "p?: any,"),
        ({"allOf": [{"type": "string"}]}, "p?: any,"),
        ({"$ref": "#/$defs/X"}, "p?: any,"),
        ({"const": "x"}, "p?: any,"),
        ({"enum": ["a"]}, "p?: any,"),
        ({"type": "integer", "enum": [1]}, "p?: number,"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "p?: {\n    },"),
        ({"type": "array", "items": {"type": ["string", "number"]}}, "p?: string | number[],"),
        (OBJECT, "// D.\np?:     // D.\n{"),
        ({"type": "string", "description": "One.\nTwo."}, "// One.\nTwo.\np?"),
        ({"type": "string", "title": "P"}, "// P\n//\np?"),
    ],
)
def test_where_we_depart_the_reference_says_less(schema: dict[str, JsonValue], theirs: str) -> None:
    parameters: dict[str, JsonValue] = {
        "type": "object",
        "properties": {"p": schema},
        "$defs": {"X": {"type": "string"}},
    }
    assert theirs in reference_function(parameters)
    ours = harmony.encoding().decode(
        harmony.render_prompt(harmony.PromptConfig(tools=(functions(("f", "", parameters)),)))
    )
    assert theirs not in ours


def test_the_reference_gives_an_empty_object_an_argument() -> None:
    assert "type f = (_: {\n}) => any;" in reference_function({"type": "object", "properties": {}})


def test_the_reference_drops_calls_with_the_analysis_and_brings_analysis_back() -> None:
    make, role = reference.Message.from_role_and_content, reference.Role
    first = [
        make(role.USER, "one"),
        make(role.ASSISTANT, "thought one").with_channel("analysis"),
        make(role.ASSISTANT, "code one").with_channel("analysis").with_recipient("python"),
        make(role.ASSISTANT, "answer one").with_channel("final"),
    ]
    second = [make(role.USER, "two"), make(role.ASSISTANT, "thought two").with_channel("analysis")]
    over = reference_text([*first, *second, make(role.ASSISTANT, "answer two").with_channel("final")])
    assert "thought one" not in over
    assert "code one" not in over
    assert "thought two" in over
    under_way = reference_text([*first, *second])
    assert "thought one" in under_way


def test_the_reference_puts_the_recipient_of_a_result_behind_the_commentary_channel() -> None:
    author = reference.Author.new(reference.Role.TOOL, "functions.f")
    message = reference.Message.from_author_and_content(author, "42").with_channel("commentary")
    text = reference_text([message.with_recipient("assistant")])
    assert text == "<|start|>functions.f<|channel|>commentary to=assistant<|message|>42<|end|>"
