"""Bytes to text, in the charset that they are in."""

import codecs
import re

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([A-Za-z0-9_.:\-]+)""", re.IGNORECASE)
_XML = re.compile(rb"""\A\s*<\?xml[^>]+encoding\s*=\s*["']([A-Za-z0-9_.:\-]+)""", re.IGNORECASE)
_LABELS = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "iso-8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "utf-16": "utf-16-le",
    "ks_c_5601-1987": "cp949",
    "tis-620": "cp874",
}
"""Labels that name a larger charset on the web than their registration says (WHATWG Encoding Standard, section 4.2)."""
_CHARSETS = frozenset(
    """
    utf-8 utf-16-le utf-16-be cp866 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-10
    iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u mac-roman mac-cyrillic cp874 cp1250 cp1251 cp1252 cp1253
    cp1254 cp1255 cp1256 cp1257 cp1258 gb18030 big5hkscs euc_jp iso2022_jp cp932 cp949
    """.split()  # noqa: SIM905 (words read better than a list of strings)
)
"""Those of the same standard, by their names in Python. A page may name no other codec of Python's (zip, rot13)."""
_SNIFFED = 4096


def load_charsets() -> None:
    """Load every codec now: once it has given up its rights, a process may not be able to read Python's files."""
    for name in _CHARSETS:
        codecs.lookup(name)


def decode(body: bytes, declared: str | None, *, sniff: bool = True) -> str:
    """The text of `body`: by byte order mark, else the declared charset, else the document's own word, else a guess.

    What does not fit its charset becomes U+FFFD: a page with a few wrong bytes is still a page.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    names = [declared, *(_own_word(body) if sniff else ())]
    for name in names:
        if name and (known := _known(name)):
            text = body.decode(known, "replace")
            if known != "utf-8" or text.count("\ufffd") * 50 < len(text) + 50:
                return text
            break  # declared UTF-8, but it is not
    return _guess(body)


def _own_word(body: bytes) -> list[str]:
    head = body[:_SNIFFED]
    matches = (_XML.search(head), _META.search(head))
    names = [match[1].decode("ascii") for match in matches if match]
    # A document in UTF-16 could not say so in ASCII (HTML standard, section 13.2.3.2).
    return ["utf-8" if name.lower().startswith("utf-16") else name for name in names]


def _known(name: str) -> str | None:
    label = name.strip().strip("\"'").lower()
    try:
        found = codecs.lookup(_LABELS.get(label, label)).name
    except (LookupError, ValueError):
        return None
    return found if found in _CHARSETS else None


def _guess(body: bytes) -> str:
    """UTF-8 where it fits, UTF-16 where every other byte is zero, else windows-1252, the web's default."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start > len(body) - 4 and error.reason == "unexpected end of data":
            return body[: error.start].decode("utf-8")  # cut in a character
    head = body[:_SNIFFED]
    if len(head) > 16:
        if head[1::2].count(0) * 3 > len(head):
            return body.decode("utf-16-le", "replace")
        if head[::2].count(0) * 3 > len(head):
            return body.decode("utf-16-be", "replace")
    return body.decode("cp1252", "replace")
