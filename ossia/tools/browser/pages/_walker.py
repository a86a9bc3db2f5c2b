"""One pass over a parsed page, in the style of the reference tool: what it shows, the model was trained to read.

Blocks are set apart by blank lines, headings begin with `#`, lists with `  * ` or `  1. `, code is indented by four
spaces, links are `【id†text†domain】`, images `[Image n: alt]`. Unlike the reference it runs in linear time, leaves out
what the page hides from its reader, and keeps emoji and formulas.
"""

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias, cast

from lxml import etree

from ossia.tools.browser.pages._links import Links
from ossia.tools.browser.pages._writer import Writer, clean

Element: TypeAlias = etree._Element

_SKIPPED = frozenset(
    """
    script style template head svg iframe object embed canvas audio video map datalist noscript title
    """.split()  # noqa: SIM905 (words read better than a list of strings)
)
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)"
    r"|font-size\s*:\s*0(?:\D*)(?:;|$)",
    re.IGNORECASE,
)
_PARAGRAPHS = frozenset(
    """
    p div section article main header footer nav aside figure figcaption form fieldset address details summary
    center hgroup caption dl body
    """.split()  # noqa: SIM905 (words read better than a list of strings)
)
_WORD = re.compile(r"[\w\-]+\Z")
_MAX_DEPTH = 2040
"""libxml2 gives up on a page at a nesting of 2,048 and drops what follows, without a word."""


class Walker:
    """Writes the text of a tree, and numbers its links."""

    def __init__(self, base: str, *, noscript: bool = False) -> None:
        self.links = Links(base)
        self.anchors: dict[str, int] = {}
        """Where the elements with an id begin: offsets in characters."""
        self.too_deep = False
        self._writer = Writer()
        self._skipped = _SKIPPED - {"noscript"} if noscript else _SKIPPED
        self._images = 0
        self._lists: list[int | None] = []
        self._in_cell = 0
        self._brackets: list[bool] = []

    def walk(self, root: Element) -> str:
        """The text of `root`, without blank space at its ends."""
        walk = etree.iterwalk(root, events=("start", "end"))
        enter, text, closing = self._enter, self._writer.text, _CLOSE.get
        depth = deepest = 0
        entered = True
        for event, node in walk:
            if event == "start":
                depth += 1
                if depth > deepest:
                    deepest = depth
                entered = enter(node)
                if not entered:
                    walk.skip_subtree()  # the next event is the end of this very element
                elif inner := node.text:
                    text(inner)
                continue
            depth -= 1
            if entered and (close := closing(node.tag)):
                close(self, node)
            entered = True
            if (tail := node.tail) and node is not root:
                text(tail)
        self.too_deep = deepest > _MAX_DEPTH
        return self._writer.finish()

    def _enter(self, node: Element) -> bool:
        """Write what stands before the content of `node`; False: its content is left out, or written already."""
        tag = node.tag
        attributes = node.attrib
        if tag in self._skipped or (attributes and is_hidden(node)):
            return self._skip(node)
        opening = _OPEN.get(tag)
        entered = opening(self, node) if opening else True
        if attributes and (name := attributes.get("id")) is not None:
            # Once a block has begun: the end of what stands before it belongs to another line.
            self.anchors.setdefault(str(name), self._writer.size + self._writer.at_line_start)
        return entered

    def _skip(self, node: Element) -> bool:
        if node.tag == "script" and str(node.get("type", "")).startswith("math/tex") and node.text:
            self._writer.text(node.text)
        return False

    # Blocks

    def paragraph(self, _: Element) -> bool:
        if not self._in_cell:
            self._writer.newlines(2)
        else:
            self._writer.space()
        return True

    def line(self, _: Element) -> bool:
        if not self._in_cell:
            self._writer.newlines(1)
        else:
            self._writer.space()
        return True

    def break_line(self, _: Element) -> bool:
        if self._writer.pre:
            self._writer.text("\n")
        else:
            self.line(_)
        return True

    def heading(self, node: Element) -> bool:
        self.paragraph(node)
        self._writer.write("#" * int(node.tag[1]) + " ")
        return True

    def rule(self, node: Element) -> bool:
        self.paragraph(node)
        self._writer.write("* * *")
        self.paragraph(node)
        return False

    def quote(self, node: Element) -> bool:
        self.paragraph(node)
        self._writer.push("> ")
        return True

    def end_quote(self, node: Element) -> bool:
        self._writer.pop()
        return self.paragraph(node)

    def preformatted(self, node: Element) -> bool:
        self._writer.newlines(2)
        self._writer.push("    ")
        self._writer.pre += 1
        if node.text and node.text.startswith("\n"):
            node.text = node.text[1:]
        return True

    def end_preformatted(self, _: Element) -> bool:
        self._writer.pre -= 1
        self._writer.pop()
        self._writer.exact_newlines(2)
        return True

    # Lists and tables

    def list(self, node: Element) -> bool:
        if self._lists:
            self._writer.exact_newlines(1)
        else:
            self._writer.newlines(2)
        self._lists.append(_number(node.get("start")) if node.tag == "ol" else None)
        return True

    def end_list(self, _: Element) -> bool:
        if self._lists:
            self._lists.pop()
        self._writer.newlines(1 if self._lists else 2)
        return True

    def item(self, _: Element) -> bool:
        self._writer.newlines(1)
        self._writer.push("  ")
        marker = "* "
        if self._lists and (number := self._lists[-1]) is not None:
            marker = f"{number}. "
            self._lists[-1] = number + 1
        self._writer.marker(marker)
        return True

    def end_item(self, _: Element) -> bool:
        self._writer.pop()
        self._writer.newlines(1)
        return True

    def row(self, _: Element) -> bool:
        self._writer.newlines(1)
        return True

    def cell(self, node: Element) -> bool:
        self._writer.space()
        self._in_cell += _is_plain(node) or bool(self._in_cell)
        return True

    def end_cell(self, _: Element) -> bool:
        self._in_cell = max(0, self._in_cell - 1)
        self._writer.space()
        return True

    # Within a line

    def link(self, node: Element) -> bool:
        href = node.get("href")
        if href is None:
            return True
        text = " ".join(clean(_visible(node)).split()) or _alternative(node)
        if not text:
            return True
        marker = text if href.startswith("#") else self.links.marker(str(href), text)
        if marker is None:
            return True
        self._writer.write(marker)
        return False

    def image(self, node: Element) -> bool:
        name = " ".join(clean(str(node.get("alt") or node.get("title") or "")).split())
        if name.startswith("{\\displaystyle"):
            self._writer.write(name)  # MediaWiki's formulas, whose MathML is hidden
            return False
        self._writer.write(f"[Image {self._images}: {name}]" if name else f"[Image {self._images}]")
        self._images += 1
        return False

    def code(self, _: Element) -> bool:
        if not self._writer.pre:
            self._writer.write("`")
        return True

    def end_code(self, _: Element) -> bool:
        if not self._writer.pre:
            self._writer.append("`")
        return True

    def script(self, node: Element) -> bool:
        """`^{2}` and `_{i}`, where the raised or lowered text is one word."""
        whole = text_of(node).strip()
        marked = not self._writer.pre and bool(_WORD.match(whole))
        self._brackets.append(marked)
        if marked:
            self._writer.append("^{" if node.tag == "sup" else "_{")
        return True

    def end_script(self, _: Element) -> bool:
        if self._brackets and self._brackets.pop():
            self._writer.append("}")
        return True

    def quotation(self, _: Element) -> bool:
        self._writer.write('"')
        return True

    def end_quotation(self, _: Element) -> bool:
        self._writer.append('"')
        return True

    def struck(self, _: Element) -> bool:
        self._writer.write("~~")
        return True

    def end_struck(self, _: Element) -> bool:
        self._writer.append("~~")
        return True

    def formula(self, node: Element) -> bool:
        """A formula in MathML: its TeX where the page gives it, else its characters."""
        text = node.get("alttext")
        if text is None:
            notes = node.iter("annotation")
            text = next((n.text for n in notes if "tex" in str(n.get("encoding", "")) and n.text), None)
        self._writer.text(str(text) if text is not None else " ".join(text_of(node).split()))
        return False

    def base(self, node: Element) -> bool:
        self.links.rebase(str(node.get("href", "")))
        return True


def text_of(node: Element) -> str:
    """All text within `node`."""
    return "".join(cast(Iterator[str], node.itertext()))


def is_hidden(node: Element) -> bool:
    """True for what a reader of the page would not see."""
    hidden = node.get("hidden")
    if hidden is not None and hidden != "until-found":
        return True
    if node.get("aria-hidden") == "true" and node.tag not in ("a", "body", "main"):
        return True
    style = node.get("style")
    return style is not None and _HIDDEN_STYLE.search(str(style)) is not None


def _visible(node: Element) -> str:
    if not len(node):
        return node.text or ""
    if not any(is_hidden(child) or child.tag in _SKIPPED for child in node.iterdescendants()):
        return text_of(node)
    parts: list[str] = [node.text or ""]
    for child in node:
        if not is_hidden(child) and child.tag not in _SKIPPED:
            parts.append(_visible(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _alternative(node: Element) -> str:
    names = (str(image.get("alt") or image.get("title") or "") for image in node.iter("img"))
    return " ".join(clean(" ".join(name for name in names if name)).split())


def _is_plain(cell: Element) -> bool:
    """True for a cell that holds no more than a line of text: it stays on the line of its row."""
    return all(child.tag not in _BLOCKS_IN_CELLS for child in cell.iterdescendants())


_BLOCKS_IN_CELLS = frozenset(["pre", "ul", "ol", "table", "dl", "blockquote", "tr"])


def _number(text: str | None) -> int:
    try:
        return int(text or 1)
    except ValueError:
        return 1


_Step: TypeAlias = Callable[[Walker, Element], bool]


_HEADINGS = [f"h{level}" for level in range(1, 7)]

_OPEN: dict[object, _Step] = {
    **dict.fromkeys(_PARAGRAPHS, Walker.paragraph),
    **dict.fromkeys(_HEADINGS, Walker.heading),
    **dict.fromkeys(["ul", "ol"], Walker.list),
    **dict.fromkeys(["td", "th"], Walker.cell),
    **dict.fromkeys(["code", "tt"], Walker.code),
    **dict.fromkeys(["sup", "sub"], Walker.script),
    **dict.fromkeys(["del", "s", "strike"], Walker.struck),
    **dict.fromkeys(["dt", "dd"], Walker.line),
    "a": Walker.link,
    "base": Walker.base,
    "blockquote": Walker.quote,
    "br": Walker.break_line,
    "hr": Walker.rule,
    "img": Walker.image,
    "li": Walker.item,
    "math": Walker.formula,
    "pre": Walker.preformatted,
    "q": Walker.quotation,
    "table": Walker.paragraph,
    "tr": Walker.row,
}

_CLOSE: dict[object, _Step] = {
    **dict.fromkeys(_PARAGRAPHS | set(_HEADINGS) | {"table"}, Walker.paragraph),
    **dict.fromkeys(["ul", "ol"], Walker.end_list),
    **dict.fromkeys(["td", "th"], Walker.end_cell),
    **dict.fromkeys(["code", "tt"], Walker.end_code),
    **dict.fromkeys(["sup", "sub"], Walker.end_script),
    **dict.fromkeys(["del", "s", "strike"], Walker.end_struck),
    **dict.fromkeys(["dt", "dd"], Walker.line),
    "blockquote": Walker.end_quote,
    "li": Walker.end_item,
    "pre": Walker.end_preformatted,
    "q": Walker.end_quotation,
    "tr": Walker.row,
}
