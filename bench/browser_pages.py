"""Pages to what the model sees, beside the reference tool of openai/gpt-oss: speed, lines kept, crashes, scrolling.

    python -m bench.browser_pages --reference DIR [--folder /usr/share/doc/python3.11/html] [--pages 132] [--rounds 3]

DIR holds the package `gpt_oss`, as a checkout of openai/gpt-oss or an unpacked wheel does; it needs `pip install
html2text tiktoken structlog chz tenacity`. Each page goes the whole way, from HTML to the first view of it, through
both in turn, on one core; times are CPU times, so that other load counts less. A line counts as kept where ours has it
too, link ids and spaces aside.
"""

import argparse
import base64
import hashlib
import importlib
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from openai_harmony import HarmonyEncodingName, load_harmony_encoding

from bench.report import machine, spread
from ossia.tools.browser._page import Page
from ossia.tools.browser.pages._html import convert_html

_ORDINARY = 199_998
"""Tokens of o200k_base that are no control tokens."""
_O200K = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
_VIEW = 1024


@dataclass(frozen=True)
class Reference:
    """The two modules of the reference that turn a page into what the model sees."""

    contents: ModuleType
    tool: ModuleType

    def text(self, source: str, url: str) -> tuple[str, frozenset[str]]:
        """The text of a page, and where its links lead."""
        page = self.contents.process_html(source, url, None, display_urls=True)
        return page.text, frozenset(page.urls.values())

    def view(self, text: str, loc: int) -> str:
        """What the reference does for each display, be it of a page that it has shown before."""
        lines = self.tool.wrap_lines(text=text)
        end = self.tool.get_end_loc(loc, -1, len(lines), lines, _VIEW, "o200k_base")
        return str(self.tool.join_lines(lines[loc:end], add_line_numbers=True, offset=loc))


def ours(source: str, url: str) -> Page:
    converted = convert_html(source, url)
    return Page(url, converted.title, f"\nURL: {url}\n{converted.text}")


def view(page: Page, loc: int) -> str:
    return page.view(0, loc, -1, _VIEW, _VIEW)[0].split("\n\n", 1)[1]


def load_reference(folder: Path, scratch: Path) -> Reference:
    """Import the reference, with the vocabulary that it would download made from harmony's."""
    encoding = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)
    with (scratch / hashlib.sha1(_O200K.encode()).hexdigest()).open("wb") as file:
        for token in range(_ORDINARY):
            file.write(base64.b64encode(bytes(encoding._inner.decode_bytes([token]))) + b" %d\n" % token)
    os.environ["TIKTOKEN_CACHE_DIR"] = str(scratch)
    sys.path.insert(0, str(folder))
    package = "gpt_oss.tools.simple_browser"
    reference = Reference(
        importlib.import_module(f"{package}.page_contents"), importlib.import_module(f"{package}.simple_browser_tool")
    )
    reference.view("warm " * 5000, 0)  # it makes a table of token lengths first
    return reference


def kept(theirs: str, mine: str) -> float:
    """Part of the reference's lines that ours has too."""
    wanted, have = Counter(_lines(theirs)), Counter(_lines(mine))
    return sum((wanted & have).values()) / max(1, wanted.total())


def _lines(text: str) -> list[str]:
    bare = (re.sub(r"\s+", "", re.sub(r"【\d+†", "【", line)) for line in text.split("\n"))
    return [line for line in bare if line]


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def speed(reference: Reference, pages: Sequence[tuple[str, str]], rounds: int) -> None:
    """Both pipelines on every page in turn, `rounds` times."""
    reference_rates, our_rates, ratios = [], [], []
    for _ in range(rounds):
        theirs = mine = 0.0
        for url, source in pages:
            theirs += cpu(lambda: reference.view(reference.text(source, url)[0], 0))  # noqa: B023 (called at once)
            mine += cpu(lambda: view(ours(source, url), 0))  # noqa: B023
        reference_rates.append(len(pages) / theirs)
        our_rates.append(len(pages) / mine)
        ratios.append(theirs / mine)
    print(f"pages/s/core, median (range) of {rounds} rounds over {len(pages)} pages:")
    print(f"  reference {spread(reference_rates, 1)}, ours {spread(our_rates, 1)}, ratio {spread(ratios)}")


def fidelity(reference: Reference, pages: Sequence[tuple[str, str]]) -> None:
    """Lines and links of the reference that ours has."""
    parts, same_links = [], 0
    for url, source in pages:
        text, links = reference.text(source, url)
        converted = convert_html(source, url)
        parts.append(kept(text, f"\nURL: {url}\n{converted.text}"))
        same_links += links == frozenset(converted.links)
    low = sorted(parts)
    print(
        f"lines of the reference that ours has: median page {statistics.median(parts):.3f}, mean "
        f"{statistics.fmean(parts):.3f}, tenth percentile {low[len(low) // 10]:.3f}, least {low[0]:.3f}; "
        f"same links on {same_links} of {len(pages)} pages"
    )


HARD: dict[str, str] = {
    "XML declaration": '<?xml version="1.0" encoding="UTF-8"?><html><body><p>text</p></body></html>',
    "empty": "",
    "blank": "  \n ",
    "comment only": "<!-- nothing -->",
    "16,000 links": "<p>" + "".join(f"<a href='/{n}'>link {n}</a> " for n in range(16_000)),
    "16,000 images": "<p>" + "<img src=x> " * 16_000,
    "1,500 levels": "<div>" * 1500 + "deep" + "</div>" * 1500,
    "5,000 levels": "<div>" * 5000 + "deep" + "</div>" * 5000,
    "emoji": "<p>🦊🦊",
    "hidden text": "<p>seen</p><p style='display:none'>HIDDEN</p>",
}
"""Pages that the reference is known to fail on."""


def hard(reference: Reference) -> None:
    """Pages that are hard on a converter: what becomes of them, and how long it takes."""
    print("| page | reference | ours |\n|---|---|---|")
    for name, source in HARD.items():
        theirs = outcome(lambda: reference.text(source, "https://e.org/")[0])  # noqa: B023 (called at once)
        mine = outcome(lambda: convert_html(source, "https://e.org/").text)  # noqa: B023
        print(f"| {name} | {theirs} | {mine} |")


def outcome(work: Callable[[], str]) -> str:
    """What came of it, in a few words."""
    start = time.process_time()
    try:
        text = work()
    except Exception as error:  # noqa: BLE001 (whatever the reference raises is its result)
        return f"{type(error).__name__}"
    seconds = time.process_time() - start
    shown = " ".join(text.removeprefix("\nURL: https://e.org/\n").split())
    return f"{shown[:24] or 'no text'!r}, {seconds:.2f} s"


def scrolling(reference: Reference, rounds: int) -> None:
    """Opening a page of 3 MB, and then one view after another of it."""
    source = "<title>Long</title>" + "".join(f"<p>Paragraph {n}: " + "some words of text " * 20 for n in range(7_300))
    url = "https://e.org/long"
    text, _ = reference.text(source, url)
    page = ours(source, url)
    opening = cpu(lambda: view(page, 0))
    places = [len(page.lines) * part // (rounds + 1) for part in range(1, rounds + 1)]
    theirs = [cpu(lambda: reference.view(text, loc)) for loc in places]  # noqa: B023 (called at once)
    mine = [cpu(lambda: view(page, loc)) for loc in places]  # noqa: B023
    assert all(reference.view(page.text, loc) == view(page, loc) for loc in places[:2])
    ratios = [them / us for them, us in zip(theirs, mine, strict=True)]
    print(
        f"scrolling a page of {len(text) / 1e6:.1f} MB, CPU ms a view: "
        f"reference {spread([t * 1e3 for t in theirs], 0)}, ours {spread([t * 1e3 for t in mine])}, "
        f"ratio {spread(ratios, 0)} (ours wraps it once, in {opening * 1e3:.0f} ms)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--folder", type=Path, default=Path("/usr/share/doc/python3.11/html"))
    parser.add_argument("--pages", type=int, default=132)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(machine())
    files = sorted(options.folder.rglob("*.html"))
    drawn = random.Random(options.seed).sample(files, min(options.pages, len(files)))
    base = "https://docs.python.org/3/"
    pages = [(base + file.relative_to(options.folder).as_posix(), file.read_text("utf-8")) for file in drawn]
    with tempfile.TemporaryDirectory() as scratch:
        reference = load_reference(options.reference, Path(scratch))
        speed(reference, pages, options.rounds)
        fidelity(reference, pages)
        scrolling(reference, 9)
        hard(reference)


if __name__ == "__main__":
    main()
