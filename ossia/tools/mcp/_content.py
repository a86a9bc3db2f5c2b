"""What an MCP tool answered, as the model sees it."""

import base64
import binascii
import json

import mcp_types as types

from ossia.tools.protocol import Image, ToolResult
from ossia.tools.python import shorten

_NOTHING = "[The tool answered without content.]"
_SHOWN_IMAGES = ("image/png", "image/jpeg")


def render(result: types.CallToolResult, max_chars: int) -> ToolResult:
    """Text as it is, a line in the place of images, sound and files, structured content where there is no text."""
    images: list[Image] = []
    lines = [_block(block, images) for block in result.content]
    if result.structured_content is not None and not any(isinstance(b, types.TextContent) for b in result.content):
        lines.append(json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":")))
    text = shorten("\n".join(lines), max_chars) if lines else _NOTHING
    return ToolResult(
        text,
        error=result.is_error,
        images=tuple(images),
        details={"status": "tool_error"} if result.is_error else {},
    )


def _block(block: types.ContentBlock, images: list[Image]) -> str:
    match block:
        case types.TextContent():
            return block.text
        case types.ImageContent():
            return _image(block, images)
        case types.AudioContent():
            return f"[audio: {block.mime_type}, {_size(block.data)}]"
        case types.EmbeddedResource():
            return _resource(block.resource)
        case types.ResourceLink():
            return f"[file {block.name}: {block.uri}{f', {block.description}' if block.description else ''}]"
        case _:
            return f"[content of the unknown type {block.type!r}]"


def _image(block: types.ImageContent, images: list[Image]) -> str:
    data = _decoded(block.data)
    if block.mime_type in _SHOWN_IMAGES and data is not None:
        images.append(Image(block.mime_type, data))
        return f"[image {len(images)}: {block.mime_type}, {len(data):,} bytes]"
    return f"[image: {block.mime_type}, {_size(block.data)}]"


def _resource(resource: types.TextResourceContents | types.BlobResourceContents) -> str:
    if isinstance(resource, types.TextResourceContents):
        return f"[file {resource.uri}]\n{resource.text}"
    return f"[file {resource.uri}: {resource.mime_type or 'bytes'}, {_size(resource.blob)}]"


def _size(data: str) -> str:
    decoded = _decoded(data)
    return "unreadable" if decoded is None else f"{len(decoded):,} bytes"


def _decoded(data: str) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
