"""Pages are converted in processes that can be killed, and that can do little."""

import os
from pathlib import Path

import pytest

from ossia.tools.browser.pages import ConversionError, Converter

PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj
4 0 obj<</Length 59>>stream
BT /F1 12 Tf 20 200 Td (First line) Tj 0 -20 Td (Second) Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
6 0 obj<</Title(A paper)>>endobj
trailer<</Root 1 0 R/Info 6 0 R>>
"""


async def test_a_page_comes_back_with_its_source() -> None:
    async with Converter() as converter:
        page, source = await converter.convert(
            "<title>T</title>ü".encode("cp1252"), "https://e.org/", "text/html", "latin1"
        )
    assert (page.title, page.text, source) == ("T", "ü", "<title>T</title>ü")


async def test_a_pdf_is_shown_page_by_page() -> None:
    async with Converter() as converter:
        page, source = await converter.convert(PDF, "https://e.org/a.pdf", "application/pdf")
    assert (page.title, page.text, source) == ("A paper", "# Page 1\n\nFirst line\nSecond", None)


async def test_a_pdf_that_cannot_be_read_says_so() -> None:
    async with Converter() as converter:
        with pytest.raises(ConversionError, match="the PDF cannot be read"):
            await converter.convert(b"%PDF-1.4 nothing", "https://e.org/a.pdf", "")


async def test_a_page_that_takes_too_long_is_given_up_and_the_next_is_shown() -> None:
    async with Converter(workers=1, timeout=0.5) as converter:
        await converter.convert(b"warm", "https://e.org/", "text/html")
        with pytest.raises(ConversionError, match=r"takes more than 0\.5 s"):
            await converter.convert(b"<p>a<b>" * 1_500_000, "https://e.org/", "text/html")
        page, _ = await converter.convert(b"<p>fine", "https://e.org/", "text/html")
    assert page.text == "fine"


async def test_a_page_that_takes_too_much_memory_is_given_up() -> None:
    async with Converter(workers=1, memory=300 << 20, timeout=60) as converter:
        with pytest.raises(ConversionError):
            await converter.convert(b"<p>a" * 10_000_000, "https://e.org/", "text/html")
        page, _ = await converter.convert(b"<p>fine", "https://e.org/", "text/html")
    assert page.text == "fine"


async def test_leaving_the_converter_leaves_no_process() -> None:
    async with Converter() as converter:
        await converter.convert(b"<p>a", "https://e.org/", "text/html")
        (worker,) = converter._idle
        status = Path(f"/proc/{worker.pid}/status").read_text()
    assert not Path(f"/proc/{worker.pid}").exists()
    assert "NoNewPrivs:\t1" in status
    if os.geteuid() == 0:
        assert "Uid:\t65534\t65534\t65534\t65534" in status
