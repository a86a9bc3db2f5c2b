# mypy: ignore-errors
# The peers are not in the environment that is checked.
"""A run of openai-agents or smolagents, for bench.agent_frameworks: in an environment of their own, without ossia.

    .venv-peers/bin/python bench/agent_frameworks_peer.py openai-agents|smolagents URL STEPS [--stream]

Prints, as JSON, wall time and processor time (seconds) at the start of each call of the function.
"""

import asyncio
import json
import sys
import time
from typing import ClassVar

NOTES: list[tuple[float, float]] = []


def note() -> None:
    NOTES.append((time.perf_counter(), time.process_time()))


async def run_openai_agents(url: str, steps: int, *, stream: bool) -> str:
    from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
    from openai import AsyncOpenAI

    set_tracing_disabled(True)

    @function_tool
    async def say(text: str) -> str:
        """Says it."""
        note()
        return text

    model = OpenAIChatCompletionsModel("bench", AsyncOpenAI(base_url=url, api_key="none"))
    agent = Agent(name="bench", instructions="Be brief.", model=model, tools=[say])
    if not stream:
        return str((await Runner.run(agent, "Go.", max_turns=steps + 2)).final_output)
    streamed = Runner.run_streamed(agent, "Go.", max_turns=steps + 2)
    async for _ in streamed.stream_events():
        pass
    return str(streamed.final_output)


def run_smolagents(url: str, steps: int, *, stream: bool) -> str:
    from smolagents import LogLevel, OpenAIServerModel, Tool, ToolCallingAgent

    class Say(Tool):
        name = "say"
        description = "Says it."
        inputs: ClassVar = {"text": {"type": "string", "description": "What."}}
        output_type = "string"

        def forward(self, text: str) -> str:
            note()
            return text

    model = OpenAIServerModel("bench", api_base=url, api_key="none")
    agent = ToolCallingAgent([Say()], model, max_steps=steps + 2, verbosity_level=LogLevel.OFF, stream_outputs=stream)
    if not stream:
        return str(agent.run("Go."))
    *_, last = agent.run("Go.", stream=True)
    return str(getattr(last, "output", last))


def main() -> None:
    framework, url, steps, *options = sys.argv[1:]
    stream = "--stream" in options
    if framework == "openai-agents":
        answer = asyncio.run(run_openai_agents(url, int(steps), stream=stream))
    else:
        answer = run_smolagents(url, int(steps), stream=stream)
    assert "done" in answer, answer
    # smolagents leaves sys.stdout redirected to its console, which breaks long lines.
    print("\n" + json.dumps(NOTES), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    main()
