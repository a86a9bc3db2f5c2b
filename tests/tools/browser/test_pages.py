"""Documents become the text that the model was trained to read, whatever they hold."""

import pytest

from ossia.tools.browser.pages._charset import decode
from ossia.tools.browser.pages._convert import convert
from ossia.tools.browser.pages._html import convert_html

URL = "https://example.org/dir/page.html"


def text_of(html: str) -> str:
    return convert_html(html, URL).text


SHAPES = [
    ("headings", "<h1>A</h1><p>b<h3>C</h3>d", "# A\n\nb\n\n### C\n\nd"),
    ("paragraphs", "<p>a\n b</p><p>c</p>d<br>e", "a b\n\nc\n\nd\ne"),
    ("lists", "<ul><li>a<li>b<ul><li>c</ul></ul>d", "  * a\n  * b\n    * c\n\nd"),
    ("numbered lists", "<ol start=3><li>a<li>b</ol>", "  3. a\n  4. b"),
    ("a paragraph in a list item", "<ul><li><p>a</p><p>b</p></ul>", "  * a\n\n  b"),
    (
        "code",
        "<p>x <code>y</code>.<pre>\ndef f():\n    return 1\n\n\n  z</pre>w",
        "x `y`.\n\n    def f():\n        return 1\n\n\n      z\n\nw",
    ),
    ("code that is coloured", "<pre><b>if</b> x:\n    <i>y</i> = 1\n</pre>", "    if x:\n        y = 1"),
    ("tables", "<table><tr><th>A<th>B<tr><td>1<td><p>2</table>x", "A B\n1 2\n\nx"),
    ("quotations", "<blockquote>a<p>b</blockquote>c", "> a\n\n> b\n\nc"),
    ("rules", "a<hr>b", "a\n\n* * *\n\nb"),
    ("definitions", "<dl><dt>a<dd>b<dt>c<dd>d</dl>", "a\nb\nc\nd"),
    ("raised and lowered", "x<sup>2</sup> a<sub>i</sub> <sup>two words</sup>", "x^{2} a_{i} two words"),
    ("images", "<img src=a alt='A  cat'><img src=b>", "[Image 0: A cat][Image 1]"),
    ("inline marks", "<b>a</b><i>b</i> <q>c</q> <del>d</del>", 'ab "c" ~~d~~'),
    ("white space", "  a&nbsp;&nbsp;b\t<span> c </span> d ", "a b c d"),
    (
        "formulas",
        '<math alttext="x^2"><mi>x</mi></math> <math><annotation encoding="application/x-tex">y</annotation></math>',
        "x^2 y",
    ),
    ("TeX in a script", '<p>a <script type="math/tex">e=mc</script> b', "a e=mc b"),
    ("emoji", "<p>🦊 ok 𝔘", "🦊 ok 𝔘"),
    ("marks of the display", "<p>【1†x】 ◼", "〖1†x〗 ◾"),
    ("no escapes", "<p>1. a<p>- b<p>*c*", "1. a\n\n- b\n\n*c*"),
]


@pytest.mark.parametrize(("html", "text"), [shape[1:] for shape in SHAPES], ids=[shape[0] for shape in SHAPES])
def test_shape(html: str, text: str) -> None:
    assert text_of(html) == text


LINKS = [
    ('<a href="b.html">B</a>', "【0†B】", ("https://example.org/dir/b.html",)),
    ('<a href="//o.org/x"> O\n <b>p</b></a>', "【0†O p†o.org】", ("https://o.org/x",)),
    ('<a href="b">B</a> <a href="c">C</a> <a href="b">D</a>', "【0†B】 【1†C】 【0†D】", None),
    ('<a href="#x">here</a> <a href="mailto:a@b">m</a> <a href="javascript:f()">j</a>', "here m j", ()),
    ('<a href="ftp://e.org/">f</a> <a href="file:///etc/passwd">g</a> <a href="data:text/html,x">d</a>', "f g d", ()),
    ('<a href="b">a†b</a>', "【0†a‡b】", None),
    ('<a href="b"><img alt="logo"></a>', "【0†logo】", None),
    ('<a href="http://[bad">x</a>', "x", ()),
    ('<base href="https://z.org/q/"><a href="b">B</a>', "【0†B†z.org】", ("https://z.org/q/b",)),
    ('<a href="b">a <span style="display:none">hidden</span>b</a>', "【0†a b】", None),
]


@pytest.mark.parametrize(("html", "text", "links"), LINKS)
def test_links(html: str, text: str, links: tuple[str, ...] | None) -> None:
    page = convert_html(html, URL)
    assert page.text == text
    assert links is None or page.links == links


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>HIDDEN</p>",
        '<p style="color:red; display : none">HIDDEN</p>',
        '<p style="visibility:hidden">HIDDEN</p>',
        '<p style="opacity:0">HIDDEN</p>',
        '<p style="font-size:0px">HIDDEN</p>',
        '<span aria-hidden="true">HIDDEN</span>',
        "<template><p>HIDDEN</template>",
        "<script>HIDDEN</script><style>HIDDEN</style>",
        "<!-- HIDDEN -->",
        "<ul hidden><li>HIDDEN<li>HIDDEN</ul>",
        '<div style="display:none"><table><tr><td>HIDDEN</table></div>',
        "<svg><text>HIDDEN</text></svg>",
    ],
)
def test_what_a_page_hides_from_its_reader_is_hidden_from_the_model(hidden: str) -> None:
    assert text_of(f"<p>a</p>{hidden}<p>b</p>") == "a\n\nb"


def test_text_is_not_hidden_by_a_style_that_looks_alike() -> None:
    assert text_of('<p style="opacity:0.5;font-size:0.8em">a') == "a"


def test_invisible_characters_are_left_out() -> None:
    assert text_of("<p>a\u200bb\u202ec\ufeff\u00add\U000e0041 e\x07f") == "abcd ef"


@pytest.mark.parametrize("html", ["", "   ", "<!-- only -->", "<html></html>", '<?xml version="1.0" encoding="x"?>'])
def test_an_empty_page_is_a_page(html: str) -> None:
    page = convert_html(html, URL)
    assert (page.title, page.text) == ("example.org", "")


def test_an_xml_declaration_is_no_obstacle() -> None:
    page = convert_html('<?xml version="1.0" encoding="UTF-8"?><html><title>T</title><body><p>a</body></html>', URL)
    assert (page.title, page.text) == ("T", "a")


def test_ids_are_anchors() -> None:
    page = convert_html('<h1>A</h1><p>b</p><h2 id="here">C</h2><p>d</p>', URL)
    assert page.text[: page.anchors["here"]] == "# A\n\nb\n\n## "


def test_a_page_that_its_scripts_write_is_told_by_its_scripts() -> None:
    assert convert_html("<div id=app></div><script src=app.js></script>", URL).needs_script
    assert not convert_html("<p>short</p>", URL).needs_script
    assert not convert_html("<script></script><p>" + "long " * 100, URL).needs_script


def test_what_is_written_for_readers_without_scripts_is_shown_where_nothing_else_is() -> None:
    assert text_of("<body><script></script><noscript><p>Turn it on</noscript>") == "Turn it on"
    assert text_of("<p>a</p><noscript><p>Turn it on</noscript>") == "a"


def test_deep_nesting_loses_no_text() -> None:
    for depth in (300, 1500, 5000):
        html = "<p>start</p>" + "<div>" * depth + "deep" + "</div>" * depth + "<p>end</p>"
        assert text_of(html).split() == ["start", "deep", "end"]


def test_a_page_of_many_nodes_is_shown_as_text() -> None:
    page = convert_html("<p>a" * 500, URL, max_nodes=100)
    assert page.text.split() == ["a"] * 500
    assert page.note is not None


KINDS = [
    (b'{"a": [1, "<p>"]}', "application/json", '{\n  "a": [\n    1,\n    "<p>"\n  ]\n}'),
    (b'{"a": 1', "application/json", '{"a": 1'),
    (b"a <p>\n  b\r\nc\tx  \n", "text/plain", "a <p>\n  b\nc\tx"),
    (b"<!doctype html><p>a<p>b", "", "a\n\nb"),
    (b"<?xml version='1.0'?><html><body>a</body></html>", "", "a"),
    (
        b"# T\n\nSee [b](b.md) and <https://o.org>.\n\n    [c](c.md)\n",
        "text/markdown",
        "# T\n\nSee 【0†b】 and 【1†https://o.org†o.org】.\n\n    [c](c.md)",
    ),
    (b"\x89PNG\r\n\x1a\n\x00\x00", "image/png", "This is a binary file (image/png, 10 bytes): no text."),
    (b"PK\x03\x04\x00\x00\x00", "", "This is a binary file (unknown type, 7 bytes): no text."),
    (b"\x00\x01\x02\x00\x03", "text/html", "This is a binary file (text/html, 5 bytes): no text."),
]


@pytest.mark.parametrize(("body", "media_type", "text"), KINDS)
def test_a_document_is_shown_as_what_it_is(body: bytes, media_type: str, text: str) -> None:
    assert convert(body, "https://example.org/x", media_type, None)[0].text == text


CHARSETS = [
    ("Привет", "koi8-r", "koi8-r", ""),
    ("Привет", "cp1251", None, '<meta charset="windows-1251">'),
    ("日本語", "cp932", "Shift_JIS", ""),
    ("日本語", "euc_jp", None, '<meta http-equiv="Content-Type" content="text/html; charset=euc-jp">'),
    ("汉字", "gb18030", "gb2312", ""),
    ("“quoted” €", "cp1252", "iso-8859-1", ""),
    ("naïve", "cp1252", None, ""),
    ("naïve", "cp1252", "utf-8", ""),
    ("ünï", "utf-16", None, ""),
    ("ünï", "utf-8-sig", None, ""),
    ("日本語", "utf-8", None, ""),
    ("日本語", "utf-8", "rot13", ""),
]


@pytest.mark.parametrize(("text", "written", "declared", "head"), CHARSETS)
def test_charsets(text: str, written: str, declared: str | None, head: str) -> None:
    body = f"{head}<p>{text * 40}</p>".encode(written)
    assert text * 40 in decode(body, declared)


def test_text_that_was_cut_in_a_character_is_still_utf8() -> None:
    assert decode("日本".encode()[:-1], None) == "日"
