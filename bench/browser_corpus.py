"""Search in a local corpus: how often the right page is among the first ten, and how long it takes, beside bm25s.

    python -m bench.browser_corpus [--folder /usr/share/doc/python3.11/html] [--questions 200] [--rounds 5]

Needs Debian's python3-doc (or another manual made by Sphinx), and for the comparison `pip install bm25s PyStemmer`. The
questions are entries of the manual's own index, such as `acquire() (threading.Lock method)`; right is a page that the
entry leads to. The pages of the index are left out of the corpus, and so are the copies of the sources. Both searches
get the same passages; a page ranks where its best passage does.
"""

import argparse
import asyncio
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import html
from scipy.stats import binomtest

from bench.report import machine, spread
from ossia.tools.browser import Corpus
from ossia.tools.browser.corpus._database import IndexDatabase
from ossia.tools.browser.corpus._passages import Passage, passages
from ossia.tools.browser.corpus._query import match_expression
from ossia.tools.browser.pages import Converted, Converter
from ossia.tools.browser.pages._walker import text_of
from ossia.tools.browser.search import ApiClient

EXCLUDED = ("genindex*", "_sources/*", "search.html", "py-modindex.html")
_ENTRY = re.compile(r"(?P<name>[\w.]+(?:\(\))?) \((?P<what>.+)\)")

Search = Callable[[str], list[str]]
"""Paths of pages, best first, for a question."""


@dataclass(frozen=True)
class Question:
    """An entry of the index, and the pages that it leads to."""

    text: str
    pages: frozenset[str]


def questions(folder: Path, count: int, seed: int) -> list[Question]:
    """Entries that name a thing and where it belongs, drawn at random."""
    found: dict[str, set[str]] = {}
    for file in sorted(folder.glob("genindex-?.html")):
        for link in html.fromstring(file.read_bytes()).iterfind(".//li/a[@href]"):
            text = " ".join(text_of(link).split())
            path = str(link.get("href")).partition("#")[0]
            if _ENTRY.fullmatch(text) and (folder / path).is_file():
                found.setdefault(text, set()).add(path)
    drawn = random.Random(seed).sample(sorted(found), count)
    return [Question(text, frozenset(found[text])) for text in drawn]


def hits(search: Search, asked: Sequence[Question]) -> tuple[list[int], list[float]]:
    """For each question the rank of the first right page (0: not among ten), and milliseconds."""
    ranks, times = [], []
    for question in asked:
        start = time.perf_counter()
        pages = search(question.text)[:10]
        times.append((time.perf_counter() - start) * 1e3)
        ranks.append(next((n for n, page in enumerate(pages, 1) if page in question.pages), 0))
    return ranks, times


def by_page(paths: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(paths))


def build_bm25s(pages: dict[str, list[Passage]]) -> Search:
    """bm25s over the same passages, with the same stemmer as FTS5's, the heading before the text."""
    import bm25s
    import Stemmer

    owners = [path for path, parts in pages.items() for _ in parts]
    texts = [f"{part.heading} {part.text}" for parts in pages.values() for part in parts]
    stemmer = Stemmer.Stemmer("porter")
    retriever = bm25s.BM25()
    retriever.index(bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)

    def search(query: str) -> list[str]:
        tokens = bm25s.tokenize(query, stopwords="en", stemmer=stemmer, show_progress=False)
        found, _ = retriever.retrieve(tokens, k=60, show_progress=False)
        return by_page([owners[int(index)] for index in found[0]])

    return search


async def convert(corpus: Corpus, folder: Path) -> tuple[int, float, float]:
    """Files read, seconds for the first build of an index, and for a look at an index that is up to date."""
    async with Converter() as converter:
        start = time.perf_counter()
        count = await corpus.update(converter)
        built = time.perf_counter() - start
        start = time.perf_counter()
        await corpus.update(converter)
        return count, built, time.perf_counter() - start


def report(name: str, ranks: Sequence[int], times: Sequence[float]) -> None:
    good = sum(rank > 0 for rank in ranks)
    interval = binomtest(good, len(ranks)).proportion_ci(method="wilson")
    first = sum(rank == 1 for rank in ranks) / len(ranks)
    reciprocal = statistics.fmean(1 / rank if rank else 0.0 for rank in ranks)
    print(
        f"| {name} | {good / len(ranks):.3f} [{interval.low:.3f}, {interval.high:.3f}]"
        f" | {first:.3f} | {reciprocal:.3f} |"
        f" {statistics.median(times):.1f} ({statistics.quantiles(times, n=20)[-1]:.1f}) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("/usr/share/doc/python3.11/html"))
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(machine())
    asked = questions(options.folder, options.questions, options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        corpus = Corpus(options.folder, exclude=EXCLUDED, index=Path(scratch) / "index.sqlite3")
        count, built, looked = asyncio.run(convert(corpus, options.folder))
        print(f"{count} files; first build {built:.1f} s with conversion, a look at an index up to date {looked:.2f} s")
        database = IndexDatabase(Path(scratch) / "index.sqlite3")
        pages = {path: database.page(path) for path in database.files()}
        measure(corpus, database, {path: page for path, page in pages.items() if page}, asked, options.rounds, scratch)


def measure(
    corpus: Corpus,
    database: IndexDatabase,
    pages: dict[str, Converted],
    asked: Sequence[Question],
    rounds: int,
    scratch: str,
) -> None:
    """Index the converted pages both ways, `rounds` times in turn, and ask both the same questions."""
    states = database.files()
    ours, theirs = [], []
    other: Search = lambda _: []  # noqa: E731
    for number in range(rounds):
        start = time.process_time()
        fresh = IndexDatabase(Path(scratch) / f"{number}.sqlite3")
        fresh.prepare()
        fresh.replace({path: (states[path], page) for path, page in pages.items()}, [])
        ours.append(time.process_time() - start)
        start = time.process_time()
        other = build_bm25s({path: list(passages(page.text)) for path, page in pages.items()})
        theirs.append(time.process_time() - start)
    count = sum(1 for page in pages.values() for _ in passages(page.text))
    print(f"{count} passages; indexing, CPU s, median (range): FTS5 {spread(ours)}, bm25s {spread(theirs)}\n")
    print("| search | hit@10 [95 % Wilson] | first | MRR@10 | ms a query, median (95th) |\n|---|---|---|---|---|")
    client = ApiClient()

    def tool(query: str) -> list[str]:
        found = asyncio.run(corpus.search(query, 10, client))
        return [path for hit in found if (path := corpus.path_of(hit.url))]

    def bare(query: str) -> list[str]:
        return by_page([found.path for found in database.search(match_expression(query) or "", 60)])

    for name, search in (("corpus (FTS5), with snippets", tool), ("FTS5 alone", bare), ("bm25s", other)):
        hits(search, asked[:20])
        report(name, *hits(search, asked))


if __name__ == "__main__":
    main()
