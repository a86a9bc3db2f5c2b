"""PDF to text, by PDFium."""

import pypdfium2

from ossia.tools.browser.pages._writer import clean, drop_controls
from ossia.tools.browser.pages.protocol import Converted

MAX_PAGES = 300


def convert_pdf(body: bytes, title: str) -> Converted:
    """The text of a PDF, page by page under `Page n` headings. Raises `ValueError` where it cannot be read."""
    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        raise ValueError(f"the PDF cannot be read: {error}") from error
    try:
        count = len(document)
        blocks = [f"# Page {index + 1}\n\n{_page(document, index)}" for index in range(min(count, MAX_PAGES))]
        named = document.get_metadata_dict().get("Title", "").strip()
    finally:
        document.close()
    note = f"the first {MAX_PAGES} of {count} pages" if count > MAX_PAGES else None
    text = "\n\n".join(block.rstrip() for block in blocks)
    if all(block.strip() == f"# Page {index + 1}" for index, block in enumerate(blocks)):
        note = "no text in this PDF: its pages are pictures"
    return Converted(title=" ".join(drop_controls(clean(named)).split()) or title, text=text, note=note)


def _page(document: pypdfium2.PdfDocument, index: int) -> str:
    page = document[index]
    text_page = page.get_textpage()
    try:
        text = str(text_page.get_text_bounded())
    finally:
        text_page.close()
        page.close()
    # PDFium writes U+FFFE where a word is hyphenated over a line break.
    text = text.replace("\r\n", "\n").replace("\ufffe\n", "").replace("\ufffe", "")
    return drop_controls(clean("\n".join(line.rstrip() for line in text.split("\n")))).strip()
