"""A session that begins with a conversation in OpenAI's chat format."""

from pathlib import Path

import pytest

from ossia import Agent, harmony, tool
from ossia.errors import UserError
from ossia.harmony import ChatMessage
from ossia.testing import ScriptedEngine
from ossia.types import JsonValue
from tests.agent.conftest import FINAL

CALL: JsonValue = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'}}
CHAT: list[ChatMessage] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is 1 + 2?"},
    {"role": "assistant", "content": None, "reasoning_content": "Add them.", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "3"},
    {"role": "assistant", "content": "It is 3."},
]


@tool
async def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


async def test_a_session_goes_on_from_a_chat(tmp_path: Path) -> None:
    history = harmony.import_chat(CHAT)
    engine = ScriptedEngine([FINAL, FINAL])
    agent = Agent(engine=engine, tools=[add], instructions=history.instructions, journal=tmp_path)
    async with agent, agent.session(history=history.messages) as session:
        first = await session.run("And 2 + 2?")
        await session.run("Sure?")
    assert first.outcome == "final"
    prompt, later = engine.calls[0].text, engine.calls[1].text
    assert "# Instructions\n\nBe brief." in prompt
    assert 'to=functions.add<|constrain|>json<|message|>{"a": 1, "b": 2}<|call|>' in prompt.replace(" <|con", "<|con")
    assert "<|start|>functions.add to=assistant<|channel|>commentary<|message|>3<|end|>" in prompt
    assert "<|channel|>final<|message|>It is 3.<|end|><|start|>user<|message|>And 2 + 2?<|end|>" in prompt
    # The reasoning of an answered turn is over.
    assert "Add them." not in prompt
    assert later.startswith(prompt)


async def test_a_run_of_such_a_session_can_be_gone_on_with(tmp_path: Path) -> None:
    history = harmony.import_chat(CHAT)
    script = ['<|channel|>commentary to=functions.add json<|message|>{"a": 2, "b": 2}<|call|>', FINAL]
    engine = ScriptedEngine(script)
    agent = Agent(engine=engine, tools=[add], journal=tmp_path)
    async with agent, agent.session(history=history.messages) as session:
        await session.run("And 2 + 2?")
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-3]))
    again = ScriptedEngine(script[1:])
    async with Agent(engine=again, tools=[add], journal=tmp_path) as other:
        result = await other.resume(path)
    assert (result.outcome, again.calls[0].prompt) == ("final", engine.calls[1].prompt)


def test_what_harmony_has_no_words_for_is_refused() -> None:
    picture: list[ChatMessage] = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]
    with pytest.raises(UserError):
        harmony.import_chat(picture)
