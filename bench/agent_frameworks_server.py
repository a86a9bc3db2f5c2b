"""The scripted model of bench.agent_frameworks, for Chat Completions and for token ids.

    python -m bench.agent_frameworks_server STEPS

Prints both addresses on one line, and serves until it is terminated.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence

from aiohttp import web

from ossia.harmony import CALL
from ossia.testing import ScriptedEngine
from ossia.testing.server import TokenServer
from ossia.types import JsonValue

THOUGHT = " ".join(f"thought {n} leads to the next one," for n in range(7)) + " so call it."
ARGUMENTS = '{{"text": "hello {}"}}'
"""With the number of the call: of equal calls ossia says, in the end, that the model goes round in circles."""
HARMONY_CALL = (
    f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant"
    f"<|channel|>commentary to=functions.say <|constrain|>json<|message|>{{arguments}}<|call|>"
)
HARMONY_FINAL = "<|channel|>final<|message|>done<|return|>"


class Chat:
    """Chat Completions: a call until there were enough of them, then the answer."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        # smolagents sends calls back as text, so that messages are counted and not calls.
        calls = sum(message["role"] == "assistant" for message in body["messages"])
        names = [tool["function"]["name"] for tool in body.get("tools", ())]
        message = answer(calls, self._steps, final_tool="final_answer" in names)
        if not body.get("stream"):
            finish = "tool_calls" if message.get("tool_calls") else "stop"
            choice: JsonValue = {"index": 0, "message": message, "finish_reason": finish}
            return web.json_response(completion("chat.completion", choice) | {"usage": USAGE})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for choice in deltas(message):
            await response.write(event(completion("chat.completion.chunk", choice)))
        await response.write(event({**completion("chat.completion.chunk"), "usage": USAGE}) + b"data: [DONE]\n\n")
        return response


USAGE: JsonValue = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def answer(calls: int, steps: int, *, final_tool: bool) -> dict[str, JsonValue]:
    """The message of the model that has made so many calls. smolagents wants its answer as a call too."""
    if calls < steps:
        name, arguments = "say", ARGUMENTS.format(calls)
    elif final_tool:
        name, arguments = "final_answer", '{"answer": "done"}'
    else:
        return {"role": "assistant", "content": "done"}
    call: JsonValue = {"id": f"call_{calls}", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "reasoning_content": THOUGHT, "tool_calls": [call]}


def deltas(message: Mapping[str, JsonValue]) -> Iterator[JsonValue]:
    """The choices of a stream, a word at a time."""
    yield choice_of({"role": "assistant", "content": ""})
    for key in ("reasoning_content", "content"):
        text = message.get(key)
        if isinstance(text, str):
            for word in text.split(" "):
                yield choice_of({key: f"{word} "})
    calls = message.get("tool_calls")
    if isinstance(calls, Sequence):
        for index, call in enumerate(calls):
            assert isinstance(call, Mapping)
            yield choice_of({"tool_calls": [{"index": index, **call}]})
    yield choice_of({}, "tool_calls" if calls else "stop")


def choice_of(delta: JsonValue, finish: str | None = None) -> JsonValue:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def completion(kind: str, *choices: JsonValue) -> dict[str, JsonValue]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": "bench", "choices": choices}


def event(value: JsonValue) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


async def serve(steps: int) -> None:
    def play(prompt: Sequence[int]) -> str:
        calls = list(prompt).count(CALL)
        return HARMONY_CALL.format(arguments=ARGUMENTS.format(calls)) if calls < steps else HARMONY_FINAL

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/chat/completions", Chat(steps).complete)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with TokenServer(ScriptedEngine(play, chunk_size=1)) as tokens:
        print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", tokens.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
