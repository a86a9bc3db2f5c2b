"""A small MCP server on stdin and stdout that starts at once: for the tests that start and lose servers."""

import json
import os
import sys
from pathlib import Path

Message = dict[str, object]

NAMES = ("process", "environment", "remember", "crash", "crash_once", "wait")
memory: list[str] = []


def tool(name: str) -> Message:
    hints = {"readOnlyHint": name == "crash_once"}
    return {"name": name, "description": name, "inputSchema": {"type": "object"}, "annotations": hints}


def call(name: str, arguments: dict[str, str]) -> str | None:
    """The tool's text; None: it does not answer."""
    if name == "crash" or (name == "crash_once" and not Path(arguments["marker"]).exists()):
        if name == "crash_once":
            Path(arguments["marker"]).touch()
        print("the disk is on fire", file=sys.stderr, flush=True)
        os._exit(3)
    memory.append(name)
    texts = {"process": str(os.getpid()), "environment": " ".join(sorted(os.environ)), "remember": str(len(memory))}
    return None if name == "wait" else texts.get(name, "survived")


def answer(method: str, params: dict[str, object]) -> Message | None:
    if method == "initialize":
        info = {"name": "small", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {"tools": [tool(name) for name in NAMES]}
    text = call(str(params["name"]), params.get("arguments") or {})  # type: ignore[arg-type]
    return None if text is None else {"content": [{"type": "text", "text": text}]}


for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    reply: Message = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] in ("initialize", "tools/list", "tools/call"):
        result = answer(request["method"], request.get("params") or {})
        if result is None:
            continue
        reply["result"] = result
    else:
        reply["error"] = {"code": -32601, "message": "unknown method"}
    print(json.dumps(reply), flush=True)
