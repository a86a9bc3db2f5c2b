"""Writes the corpus of journals of this version: `python -m tests.agent.journals.write tests/agent/journals`.

Run once for each version of the schema, never again for one that users have journals of.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from pydantic import BaseModel

from ossia import Agent, Limits, tool
from ossia.agent.journal import SCHEMA
from ossia.agent.playback import play
from ossia.testing import ScriptedEngine

THINK = "<|channel|>analysis<|message|>Let me see.<|end|><|start|>assistant"
CALL = THINK + '<|channel|>commentary to=functions.add json<|message|>{"a": 1, "b": 2}<|call|>'
FINAL = "<|channel|>final<|message|>It is 3.<|return|>"
USELESS = "<|channel|>analysis<|message|>Let me see.<|return|>"
LEAKED = "<|channel|>commentary to=functions.add<|channel|>json<|message|>{a: 1, 'b': 2,}<|call|>"


class Sum(BaseModel):
    value: int


@tool
async def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


@tool
async def page() -> str:
    """A long page."""
    return "A page of words. " * 400


PAGE = "<|channel|>commentary to=functions.page json<|message|>{}<|call|>"
RUNS: dict[str, tuple[list[str], dict[str, object]]] = {
    "final": ([CALL, FINAL], {}),
    "repaired": ([USELESS, LEAKED, FINAL], {}),
    "limit-forced": ([CALL, "It is 3.<|return|>"], {"limits": Limits(steps=1, force_final=True)}),
    "limit": ([CALL], {"limits": Limits(steps=1)}),
    "refused": ([FINAL, FINAL.replace("It is 3.", '{"value": 3}')], {"output": Sum}),
    "rewritten": ([PAGE, PAGE, FINAL], {"limits": Limits(context=3000), "overflow": "drop_tool_output"}),
}


async def write(folder: Path) -> None:
    expected: dict[str, object] = {}
    for name, (script, options) in RUNS.items():
        with tempfile.TemporaryDirectory() as runs:
            engine = ScriptedEngine(script)
            agent = Agent(engine=engine, tools=[add, page], journal=runs, **options)  # type: ignore[arg-type]
            async with agent:
                result = await agent.run("What is 1 + 2?")
            (path,) = Path(runs).glob("*.jsonl")
            target = folder / f"v{SCHEMA}-{name}.jsonl"
            target.write_bytes(path.read_bytes())
        ids = [playback for playback, _ in play(target)][-1].transcript.segments[-1].tokens.tolist()
        expected[target.name] = {"outcome": result.outcome, "final": result.final, "transcript": ids}
    lines = (f"{json.dumps(name)}:{json.dumps(said)}" for name, said in expected.items())
    (folder / f"v{SCHEMA}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1])))
