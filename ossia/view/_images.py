"""The images that tools made, out of the blobs beside the journal, into the page."""

import base64
import re
from pathlib import Path
from typing import Final

from ossia.agent.journal import blob_path, digest

TOTAL_BYTES: Final = 64 << 20
"""Images beyond so many bytes are named and not shown, so that a page stays one that a browser opens."""

_NAME = re.compile(r"[0-9a-f]{64}")
_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


class Images:
    """Reads images by the names that a journal gives them. The names are not trusted: no path is made from others."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._left = TOTAL_BYTES

    def uri(self, name: str) -> tuple[str | None, str]:
        """A data URI, and words for it: what the image is, or why it is not shown."""
        if not _NAME.fullmatch(name):
            return None, "an image whose name is no SHA-256"
        try:
            data = blob_path(self._directory, name).read_bytes()
        except OSError:
            return None, f"the image {name[:12]}, which is not beside the journal any more"
        mime = next((mime for magic, mime in _MAGIC.items() if data.startswith(magic)), None)
        if mime is None or digest(data) != name:
            return None, f"the image {name[:12]}, whose file is not what it was"
        if len(data) > self._left:
            return None, f"the image {name[:12]} ({len(data):,} bytes): the page holds enough images"
        self._left -= len(data)
        return f"data:{mime};base64,{base64.b64encode(data).decode()}", f"{mime}, {len(data):,} bytes"
