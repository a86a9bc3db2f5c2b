"""Text of a model or its tools, made fit for a page: nothing invisible, code highlighted, long text folded."""

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from markupsafe import Markup, escape
from pygments import highlight as _highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name

Language = Literal["text", "python", "json", "bash", "diff"]

HIGHLIGHTED_CHARS: Final = 20_000
"""Longer code is shown plain: a lexer's time on text that a model wrote must stay bounded."""

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_UNSEEN = (0x00AD, 0x200B, *range(0x2060, 0x2065), 0xFEFF, 0x2028, 0x2029, *range(0xE0000, 0xE0080))
_VISIBLE: Final[dict[int, str]] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)},
    0x7F: "\N{SYMBOL FOR DELETE}",
    **{code: f"[U+{code:04X}]" for code in (*range(0x80, 0xA0), *_BIDI, *_UNSEEN)},
    **dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"),
}


def visible(text: str) -> str:
    """`text` with control characters, marks that reorder it and marks that nobody sees spelled out."""
    return text.replace("\r\n", "\n").translate(_VISIBLE)


@dataclass(frozen=True, slots=True)
class Folding:
    """From which length on a text is folded, and how much of it then shows."""

    lines: int
    chars: int
    shown_lines: int = 6
    shown_chars: int = 600


RESULT = Folding(lines=24, chars=2_400)
PROSE = Folding(lines=60, chars=6_000, shown_lines=12, shown_chars=1_500)
CLOSED = Folding(lines=0, chars=0, shown_lines=0)


@dataclass(frozen=True, slots=True)
class Shown:
    """Text on a page."""

    html: Markup
    label: str = ""
    """What it is, where that needs saying."""
    head: Markup | None = None
    """Its beginning, where the whole is folded."""
    size: str = ""
    """Its length in words."""


def show(text: str, folding: Folding, language: Language = "text", label: str = "") -> Shown:
    """`text`, whatever is in it, as escaped HTML."""
    text = visible(text).rstrip("\n")
    lines = text.count("\n") + 1
    size = f"{lines:,} line{'s' * (lines != 1)}, {len(text):,} characters"
    if lines <= folding.lines and len(text) <= folding.chars:
        return Shown(_html(text, language), label, size=size)
    head = "\n".join(text.split("\n", folding.shown_lines)[: folding.shown_lines])[: folding.shown_chars]
    return Shown(_html(text, language), label, _html(head, language), size)


def _html(text: str, language: Language) -> Markup:
    if language == "text" or len(text) > HIGHLIGHTED_CHARS:
        return escape(text)
    # The formatter escapes what it is given; tests hold it to that.
    return Markup(_highlight(text, _lexer(language), _FORMATTER).rstrip("\n"))


_FORMATTER: Final = HtmlFormatter[str](nowrap=True)


@cache
def _lexer(language: Language) -> Lexer:
    return get_lexer_by_name(language, stripnl=False)
