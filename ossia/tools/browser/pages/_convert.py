"""A fetched document to a page, by what it is."""

import re
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from ossia.tools.browser.pages._charset import decode
from ossia.tools.browser.pages._html import convert_html
from ossia.tools.browser.pages._links import domain
from ossia.tools.browser.pages._media import media_type_of
from ossia.tools.browser.pages._pdf import convert_pdf
from ossia.tools.browser.pages._plain import convert_json, convert_markdown, convert_text
from ossia.tools.browser.pages.protocol import Converted

_HTML_START = re.compile(
    rb"\A\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)


def convert(body: bytes, url: str, media_type: str, charset: str | None) -> tuple[Converted, str | None]:
    """The page of a document and its source text (None where it is not text). Raises `ValueError`."""
    kind = _kind(body, url, media_type)
    name = unquote(PurePosixPath(urlsplit(url).path).name) or domain(url)
    if kind == "pdf":
        return convert_pdf(body, name), None
    if kind == "binary":
        shown = media_type or "unknown type"
        return Converted(title=name, text=f"This is a binary file ({shown}, {len(body):,} bytes): no text."), None
    source = decode(body, charset, sniff=kind == "html")
    if kind == "html":
        return convert_html(source, url), source
    if kind == "json":
        return convert_json(source, name), source
    if kind == "markdown":
        return convert_markdown(source, url, name), source
    return convert_text(source, name), source


def _kind(body: bytes, url: str, media_type: str) -> str:
    """What the document is: its declared type, unless the bytes plainly say otherwise."""
    if body.startswith(b"%PDF-"):
        return "pdf"
    if media_type in ("text/html", "application/xhtml+xml") or (not media_type and _HTML_START.match(body[:2048])):
        return "html" if not _is_binary(body) else "binary"
    if _is_binary(body):
        return "binary"
    if media_type == "application/json" or media_type.endswith("+json"):
        return "json"
    if media_type in ("text/markdown", "text/x-markdown"):
        return "markdown"
    if (
        media_type in ("text/plain", "application/octet-stream", "")
        and media_type_of(urlsplit(url).path) == "text/markdown"
    ):
        return "markdown"
    return "html" if _HTML_START.match(body[:2048]) and media_type != "text/plain" else "text"


def _is_binary(body: bytes) -> bool:
    head = body[:4096]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    zeros = head.count(0)
    if zeros and not (head[1::2].count(0) * 3 > len(head) or head[::2].count(0) * 3 > len(head)):
        return True
    odd = sum(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in head)
    return odd * 10 > len(head)
