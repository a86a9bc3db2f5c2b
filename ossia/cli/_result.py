"""A result as one JSON object, and as an exit code."""

import json

from pydantic_core import to_jsonable_python

from ossia.agent.result import RunResult
from ossia.types import JsonValue


def to_json(result: RunResult) -> str:
    """The result on one line; files by name and size, their bytes go to `--out`."""
    value: dict[str, JsonValue] = {
        "run_id": result.run_id,
        "outcome": result.outcome,
        "final": result.final,
        "cited": to_jsonable_python(result.cited),
        "output": to_jsonable_python(result.output),
        "limit": result.limit,
        "error": result.error,
        "forced": result.forced,
        "messages": [
            {
                "role": message.role,
                "name": message.name,
                "channel": message.channel,
                "recipient": message.recipient,
                "content_type": message.content_type,
                "text": message.text,
            }
            for message in result.messages
        ],
        "tool_calls": [
            {
                "recipient": call.recipient,
                "arguments": call.arguments,
                "text": call.text,
                "error": call.error,
                "seconds": round(call.seconds, 4),
            }
            for call in result.tool_calls
        ],
        "files": {name: len(data) for name, data in result.files.items()},
        "usage": {name: round(getattr(result.usage, name), 4) for name in type(result.usage).__dataclass_fields__},
        "repairs": dict(result.repairs),
        "sandbox": result.sandbox,
        "notes": list(result.notes),
    }
    return json.dumps(value, ensure_ascii=False)


def exit_code(result: RunResult) -> int:
    """0 a final answer, 3 a failure of ours, 1 anything else."""
    return {"final": 0, "infrastructure": 3}.get(result.outcome, 1)
