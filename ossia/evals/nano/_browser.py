"""`nano-browser`: a list of hits, small pages, one line that answers."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

from ossia.agent import Agent, RunResult
from ossia.evals.dataset import Dataset, Sample
from ossia.evals.nano._common import LIMITS, text, yardstick
from ossia.evals.runner import Setup, Solve
from ossia.evals.scorers import answers
from ossia.evals.verdict import Verdict, verdict
from ossia.tools import Browser
from ossia.tools.browser import Hit
from ossia.tools.browser.fetch import Document
from ossia.tools.browser.search import ApiClient

_CITATION = re.compile(r"【[^】]*】")
LONGEST_CITATION = 2
"""Lines that a citation may span: a whole page cites nothing."""


class Listed:
    """A search that answers any query with the hits of a sample, in their order, and the pages behind them."""

    name = "listed"

    def __init__(self, sample: Sample) -> None:
        self._hits = cast(Sequence[Mapping[str, str]], sample.setting["hits"])
        self._pages = cast(Mapping[str, str], sample.setting["pages"])

    def check(self) -> None:
        """It needs nothing."""

    async def search(self, query: str, count: int, client: ApiClient) -> list[Hit]:
        return [Hit(hit["title"], hit["url"], hit["snippet"]) for hit in self._hits][:count]

    async def fetch(self, url: str, client: ApiClient) -> Document | None:
        page = self._pages.get(url)
        return Document(url, b"no such page", "text/plain", status=404) if page is None else _document(url, page)


def _document(url: str, page: str) -> Document:
    return Document(url, page.encode(), "text/markdown", charset="utf-8", via="listed")


class NanoBrowser:
    """An agent for each sample, since each has a web of its own."""

    name = "nano-browser"

    def dataset(self) -> Dataset:
        return yardstick(self.name)

    def chance(self, family: str, measure: str) -> float | None:
        """Opening any hit; then citing any line of the right page; both, one after the other."""
        samples = self.dataset().samples
        hits = [len(cast(Sequence[object], sample.setting["hits"])) for sample in samples]
        lines = [cast(int, sample.expected["candidates"]) for sample in samples]
        parts = {
            "hit": [1 / n for n in hits],
            "line": [1 / (n * k) for n, k in zip(hits, lines, strict=True)],
        }
        shares = parts.get(measure, parts["line"])
        return sum(shares) / len(shares)

    @asynccontextmanager
    async def open(self, setup: Setup) -> AsyncIterator[Solve]:
        async def solve(sample: Sample) -> Verdict:
            browser = Browser(search=Listed(sample), javascript="never")
            agent = Agent(engine=setup.engine, tools=[browser], sampling=setup.sampling, limits=LIMITS, journal=False)
            async with agent:
                result = await agent.run(sample.question)
            return verdict(sample.id, sample.family, result, _measures(sample, result))

        yield solve


def _measures(sample: Sample, result: RunResult) -> dict[str, bool]:
    url, answer = text(sample.expected["url"]), text(sample.expected["answer"])
    opened = next((call for call in result.tool_calls if call.recipient == "browser.open" and not call.error), None)
    return {
        "hit": opened is not None and f"({url})" in opened.text.split("\n", 1)[0],
        "line": _cites(result, url, answer),
        "answer": answers(_CITATION.sub("", result.final or ""), answer),
    }


def _cites(result: RunResult, url: str, answer: str) -> bool:
    """Whether a citation of the page is of the line with the answer, and of hardly more than that."""
    return result.cited is not None and any(
        citation.url == url
        and citation.lines is not None
        and citation.lines[1] - citation.lines[0] < LONGEST_CITATION
        and answer in citation.quote
        for citation in result.cited.citations
    )
