"""Media types by the names of files."""

from pathlib import PurePosixPath

_SUFFIXES = {
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "text/html",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".pdf": "application/pdf",
    ".json": "application/json",
}


def media_type_of(name: str) -> str:
    """The media type that a file's name suggests; `text/plain` where it suggests none."""
    return _SUFFIXES.get(PurePosixPath(name).suffix.lower(), "text/plain")
