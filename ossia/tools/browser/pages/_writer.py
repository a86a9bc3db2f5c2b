"""Collects the text of a page: blocks, blank lines, prefixes of nested blocks, and single spaces between words."""

import re

_TRANSLATION: dict[int, str | None] = {
    ord("【"): "〖",
    ord("】"): "〗",
    ord("◼"): "◾",
    # Those three mean something to the model in a browsing display, so a page may not write them.
    0x00AD: None,
    0xFEFF: None,
    **dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)], None),
    # Soft hyphens, zero-width and direction marks: they hide text from a human reader, or show it in another order.
    **dict.fromkeys(range(0xE0000, 0xE0080), None),
    # Tag characters, which spell invisible ASCII.
    **dict.fromkeys(range(0x80, 0xA0), " "),
    # C1 controls. (Joiners within an emoji go as well; the emoji itself stays.)
}

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def clean(text: str) -> str:
    """`text` without what a page may not show: the marks of the display, invisible and control characters."""
    return text if text.isascii() else text.translate(_TRANSLATION)


def drop_controls(text: str) -> str:
    """`text` without C0 controls; tabs and newlines stay."""
    return _CONTROLS.sub("", text)


class Writer:
    """Text under construction. Whitespace is decided when the next word comes, so that none is left at line ends."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._newlines = 0
        self._space = False
        self._prefix = ""
        self._prefixes: list[str] = []
        self._fresh = False
        self._indent = ""
        self.size = 0
        """Characters written so far: where the next text will stand, or just before it."""
        self.pre = 0
        """Depth of preformatted blocks."""

    @property
    def at_line_start(self) -> bool:
        return bool(self._newlines) or not self._parts

    def write(self, text: str) -> None:
        """Append `text`, after the line breaks or the space that are due."""
        parts = self._parts
        if self._newlines or not parts:
            lead = ("\n" * self._newlines if parts else "") + self._prefix + self._indent
            self._indent = ""
            parts.append(lead)
            self.size += len(lead)
            self._newlines = 0
        elif self._space:
            parts.append(" ")
            self.size += 1
        self._space = self._fresh = False
        parts.append(text)
        self.size += len(text)

    def append(self, text: str) -> None:
        """Append `text` right after the last word, whatever space is due."""
        if self._newlines or not self._parts:
            self.write(text)
            return
        self._parts.append(text)
        self.size += len(text)

    def text(self, text: str) -> None:
        """Append running text: whitespace is merged, or kept where it is preformatted."""
        if not text.isascii():
            text = clean(text)
        if self.pre:
            self._preformatted(text)
        elif words := text.split():
            if text[0].isspace():
                self.space()
            self.write(" ".join(words))
            self._space = text[-1].isspace()
        else:
            self.space()

    def space(self) -> None:
        """A space before the next word, unless a line begins there."""
        if not (self._newlines or self._fresh) and self._parts:
            self._space = True

    def newlines(self, count: int) -> None:
        """At least `count` line breaks before the next word; none right after a list marker."""
        if not self._fresh and count > self._newlines:
            self._newlines = count
            self._space = False

    def exact_newlines(self, count: int) -> None:
        """`count` line breaks before the next word, even if more were due."""
        if not self._fresh:
            self._newlines = count
            self._space = False

    def marker(self, text: str) -> None:
        """A list marker: what follows stands on its line, be it another marker, as the reference has it."""
        self.write(self._prefix + text if self._fresh else text)
        self._fresh = True

    def push(self, prefix: str) -> None:
        """Begin every further line with `prefix` too."""
        self._prefixes.append(prefix)
        self._prefix = "".join(self._prefixes)

    def pop(self) -> None:
        self._prefixes.pop()
        self._prefix = "".join(self._prefixes)

    def _preformatted(self, text: str) -> None:
        for index, line in enumerate(text.split("\n")):
            if index:
                self._fresh = False
                self._newlines += 1
                self._indent = ""
            if line.isspace() and self.at_line_start:
                self._indent += line.rstrip("\r")
            elif line:
                self.write(line.rstrip("\r"))

    def finish(self) -> str:
        return drop_controls("".join(self._parts))
