"""HTML to the text of a page."""

import re
from html import unescape

from lxml import etree

from ossia.tools.browser.pages._links import domain
from ossia.tools.browser.pages._walker import Element, Walker, text_of
from ossia.tools.browser.pages._writer import clean, drop_controls
from ossia.tools.browser.pages.protocol import Converted

_PARSER = etree.HTMLParser(huge_tree=True, remove_comments=True, remove_pis=True, encoding="utf-8")
# Not `lxml.html`'s parser: looking up its element classes takes a tenth of the time of a page.
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)
_SURROGATES = re.compile("[\ud800-\udfff\x00]")
_SCRIPTED = re.compile(r"<script\b", re.IGNORECASE)
_FEW = 200
"""Characters below which a page with scripts counts as one that needs them."""


def convert_html(source: str, url: str, *, max_nodes: int = 1_000_000) -> Converted:
    """The text, links and title of a page of HTML."""
    root = _parse(source)
    if root is None:
        return Converted(title=domain(url), text="")
    title = _title(root) or domain(url)
    body = root.find("body")
    top = body if body is not None else root
    if float(str(root.xpath("count(//*)"))) > max_nodes:
        return Converted(title=title, text=_tagless(source), note="too large to lay out: text only, without links")
    walker = Walker(url)
    text = _walk(walker, root, top)
    if walker.too_deep:
        return Converted(title=title, text=_tagless(source), note="nested too deep: text only, without links")
    scripted = len(text) < _FEW and _SCRIPTED.search(source) is not None
    if not text:
        walker = Walker(url, noscript=True)
        text = _walk(walker, root, top)
    return Converted(title=title, text=text, links=walker.links.urls, anchors=walker.anchors, needs_script=scripted)


def _walk(walker: Walker, root: Element, top: Element) -> str:
    for base in root.iterfind("head/base"):
        walker.base(base)
    return walker.walk(top)


def _parse(source: str) -> Element | None:
    """The tree of a page; None where there is nothing but blanks and comments. Raises `MemoryError`."""
    data = _SURROGATES.sub("", source).encode()
    if not data.strip():
        return None
    try:
        root: Element | None = etree.fromstring(data, parser=_PARSER)
    except etree.XMLSyntaxError as error:  # it recovers from everything but a lack of memory
        raise MemoryError from error
    return root


def _title(root: Element) -> str:
    element = root.find(".//title")
    text = text_of(element) if element is not None else ""
    return " ".join(drop_controls(clean(text)).split())


def _tagless(source: str) -> str:
    """The text between the tags, for pages that no tree should be made of."""
    text = unescape(_TAG.sub("\n", source))
    lines = (" ".join(line.split()) for line in clean(text).splitlines())
    return drop_controls("\n".join(line for line in lines if line))
