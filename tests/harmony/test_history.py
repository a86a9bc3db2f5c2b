"""Conversations in OpenAI's chat format, as transcripts."""

import pytest

from ossia import UserError, harmony
from ossia.types import JsonValue

CHAT: list[dict[str, JsonValue]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "developer", "content": [{"type": "text", "text": "Use tools."}]},
    {"role": "user", "content": "Weather in Ulm and Bonn?"},
    {
        "role": "assistant",
        "reasoning_content": "Two calls.",
        "content": "I will look.",
        "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Ulm"}'}},
            {"id": "2", "type": "function", "function": {"name": "browser.search", "arguments": "{}"}},
        ],
    },
    {"role": "tool", "tool_call_id": "2", "content": "page"},
    {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "sunny"}]},
    {"role": "assistant", "content": "Sunny."},
    {"role": "user", "content": "Thanks"},
]


def test_a_chat() -> None:
    history = harmony.import_chat(CHAT, recipients=["browser.search"])
    assert history.instructions == "Be brief.\n\nUse tools."
    Message = harmony.Message
    assert history.messages == [
        Message("user", "Weather in Ulm and Bonn?"),
        Message("assistant", "Two calls.", "analysis"),
        Message("assistant", "I will look.", "commentary"),
        Message("assistant", '{"city":"Ulm"}', "commentary", "functions.weather"),
        Message("tool", "sunny", "commentary", name="functions.weather"),
        Message("assistant", "{}", "analysis", "browser.search"),
        Message("tool", "page", "analysis", name="browser.search"),
        Message("assistant", "Sunny.", "final"),
        Message("user", "Thanks"),
    ]


RESPONSES: list[dict[str, JsonValue]] = [
    {"role": "developer", "content": "Be brief."},
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Weather in Ulm?"}]},
    {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "One call."}]},
    {"type": "function_call", "call_id": "1", "name": "weather", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "1", "output": "sunny"},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Looked."}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Sunny."}]},
]


def test_items_of_the_responses_api() -> None:
    history = harmony.import_responses(RESPONSES)
    Message = harmony.Message
    assert history.instructions == "Be brief."
    assert history.messages == [
        Message("user", "Weather in Ulm?"),
        Message("assistant", "One call.", "analysis"),
        Message("assistant", "{}", "commentary", "functions.weather"),
        Message("tool", "sunny", "commentary", name="functions.weather"),
        Message("assistant", "Sunny.", "final"),
    ]


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({"type": "computer_call"}, "no form in harmony"),
        ({"type": "reasoning", "content": "hm"}, "list of parts"),
        ({"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"}, "has no result"),
    ],
)
def test_mistakes_in_items(item: dict[str, JsonValue], problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        harmony.import_responses([item])


def test_reasoning_of_the_turn_under_way_is_kept_in_the_transcript() -> None:
    history = harmony.import_chat(CHAT[:-2], recipients=["browser.search"])
    config = harmony.PromptConfig(instructions=history.instructions)
    under_way = harmony.Transcript.start(config, history.messages)
    assert "Two calls." in harmony.encoding().decode(under_way.prompt())
    over = harmony.Transcript.start(config, harmony.import_chat(CHAT, ["browser.search"]).messages)
    text = harmony.encoding().decode(over.prompt())
    assert "Two calls." not in text
    assert '{"city":"Ulm"}<|call|><|start|>functions.weather to=assistant<|channel|>commentary<|message|>sunny' in text


def test_later_instructions_stay_where_they_were() -> None:
    history = harmony.import_chat([{"role": "user", "content": "a"}, {"role": "system", "content": "b"}])
    assert history.instructions is None
    assert history.messages[1] == harmony.Message("developer", "# Instructions\n\nb")


@pytest.mark.parametrize(
    ("chat", "problem"),
    [
        ([{"role": "robot", "content": "x"}], "role 'robot'"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "reads text only"),
        ([{"role": "user", "content": 5}], "must be text"),
        ([{"role": "tool", "tool_call_id": "9", "content": "x"}], "nobody made: '9'"),
        ([{"role": "tool", "content": "x"}], "tool_call_id"),
        ([CHAT[3]], "'1' has no result"),
        ([{"role": "assistant", "tool_calls": [{}]}], "must have an `id`"),
        ([{"role": "assistant", "tool_calls": "f"}], "must be a list"),
    ],
)
def test_mistakes(chat: list[dict[str, JsonValue]], problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        harmony.import_chat(chat)
