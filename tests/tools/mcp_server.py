"""An MCP server for the tests: `python mcp_server.py` speaks on stdin and stdout, with a port it speaks HTTP."""

import asyncio
import base64
import os
import sys
from pathlib import Path
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)
from pydantic import BaseModel, Field

server = MCPServer("test server", instructions="Numbers and files.")
memory: list[str] = []


class Sum(BaseModel):
    total: int


@server.tool()
def add(a: Annotated[int, Field(description="First number.")], b: int = 2) -> int:
    """Add two numbers."""
    return a + b


@server.tool(name="sum.of", annotations=ToolAnnotations(read_only_hint=True))
def sum_of(numbers: list[int]) -> Sum:
    """Add numbers."""
    return Sum(total=sum(numbers))


@server.tool()
def remember(text: str) -> str:
    """Keep a text, and say how many there are."""
    memory.append(text)
    return str(len(memory))


@server.tool()
def fail(text: str) -> str:
    """Fail."""
    raise ValueError(text)


@server.tool()
async def wait(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "waited"


@server.tool()
def environment() -> list[str]:
    """Names of the environment's variables."""
    return sorted(os.environ)


@server.tool()
def process() -> int:
    """The server's process."""
    return os.getpid()


@server.tool()
def crash() -> str:
    """End the server."""
    print("the disk is on fire", file=sys.stderr, flush=True)
    os._exit(3)


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def crash_once(marker: str) -> str:
    """End the server, but not twice."""
    if not Path(marker).exists():
        Path(marker).touch()
        os._exit(3)
    return "survived"


@server.tool(structured_output=False)
def everything() -> list[ContentBlock]:
    """Content of every kind."""
    png = base64.b64encode(b"\x89PNG....").decode()
    return [
        TextContent(type="text", text="text"),
        ImageContent(type="image", data=png, mime_type="image/png"),
        ImageContent(type="image", data=png, mime_type="image/webp"),
        ImageContent(type="image", data="?", mime_type="image/png"),
        AudioContent(type="audio", data=png, mime_type="audio/wav"),
        EmbeddedResource(type="resource", resource=TextResourceContents(uri="file:///a.txt", text="inside")),
        EmbeddedResource(type="resource", resource=BlobResourceContents(uri="file:///a.bin", blob=png)),
        ResourceLink(type="resource_link", name="b.txt", uri="file:///b.txt", description="another"),
    ]


@server.tool()
def structured() -> CallToolResult:
    """Structured content only."""
    return CallToolResult(content=[], structured_content={"total": 3})


@server.tool(structured_output=False)
def nothing() -> list[ContentBlock]:
    """No content at all."""
    return []


if __name__ == "__main__":
    print("the test server is up", file=sys.stderr, flush=True)
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run("stdio")
