"""Search providers: what they ask, what they make of answers, and how they fail."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

import pytest
from aiohttp.web import Request

from ossia.errors import UserError
from ossia.testing import opened
from ossia.testing.web import WebPage, local_web
from ossia.tools.browser import Browser, DuckDuckGo, Exa, Hit, SearchError, SearchProvider, You
from ossia.tools.browser.fetch import Document
from ossia.tools.browser.search import ApiClient, Failure
from ossia.tools.browser.search.guard import Guard
from ossia.types import JsonValue

DDG_PAGE = """<html><body><div class="links_main"><div class="result__body">
<h2>Cats <b>purr</b></h2><a href="https://cats.example/">All about <b>cats</b></a></div>
<div class="result__body"><h2>Ad</h2><a href="https://duckduckgo.com/y.js?ad">ad</a></div></div></body></html>"""


async def test_duckduckgo_is_read_through_ddgs(client: ApiClient) -> None:
    async with local_web({"/": DDG_PAGE}) as site:
        hits = await DuckDuckGo(endpoint=site.url()).search("cats", 10, client)
    assert hits == [Hit("Cats purr", "https://cats.example/", "All about cats")]


FAILURES: list[tuple[WebPage, Failure]] = [
    (WebPage("slow down", status=202), "rate_limited"),
    (WebPage("slow down", status=429), "rate_limited"),
    (WebPage("no", status=403), "blocked"),
    (WebPage('<div class="anomaly-modal">Unfortunately, bots use DuckDuckGo too.</div>'), "blocked"),
    (WebPage("oops", status=500), "unavailable"),
]


@pytest.mark.parametrize(("page", "failure"), FAILURES)
async def test_duckduckgo_tells_its_failures_apart(client: ApiClient, page: WebPage, failure: Failure) -> None:
    async with local_web({"/": page}) as site:
        with pytest.raises(SearchError) as raised:
            await DuckDuckGo(endpoint=site.url()).search("cats", 10, client)
    assert raised.value.failure == failure


async def test_duckduckgo_finding_nothing_is_no_failure(client: ApiClient) -> None:
    for body in ("<html><body><div class='no-results'>No results.</div></body></html>", ""):
        async with local_web({"/": WebPage(body)}) as site:
            assert await DuckDuckGo(endpoint=site.url()).search("cats", 10, client) == []


async def test_duckduckgo_not_answering_is_told_so(client: ApiClient) -> None:
    async def slow(_: Request) -> WebPage:
        await asyncio.sleep(30)
        return WebPage()

    async with local_web({"/": slow}) as site:
        with pytest.raises(SearchError) as raised:
            await DuckDuckGo(endpoint=site.url(), timeout=1).search("cats", 10, client)
    assert raised.value.failure == "timeout"
    with pytest.raises(SearchError) as raised:
        await DuckDuckGo(endpoint="http://127.0.0.1:1/").search("cats", 10, client)
    assert raised.value.failure == "unavailable"


EXA: dict[str, JsonValue] = {
    "results": [
        {
            "id": "1",
            "url": "https://a.example/it's?x=1",
            "title": "<new>",
            "summary": None,
            "highlights": ["one", "two"],
        },
        {"id": "2", "url": "https://b.example/", "title": None, "summary": "sum"},
    ],
    "requestId": "x",
}
YOU: dict[str, JsonValue] = {
    "results": {
        "web": [{"url": "https://a.example/", "title": "A &amp; B", "description": "d", "snippets": ["one", "two"]}],
        "news": [{"url": "https://n.example/", "title": "News", "description": "today"}],
    }
}


def recorder(
    answer: JsonValue, seen: list[tuple[Mapping[str, str], JsonValue]]
) -> Callable[[Request], Awaitable[WebPage]]:
    async def page(request: Request) -> WebPage:
        seen.append((request.headers, await request.json()))
        return WebPage(json.dumps(answer), content_type="application/json")

    return page


async def test_exa_is_asked_and_read_as_documented(client: ApiClient) -> None:
    seen: list[tuple[Mapping[str, str], JsonValue]] = []
    contents = {"results": [{"url": "https://a.example/", "title": "A", "text": "<p>hello</p>"}], "statuses": []}
    async with local_web({"/search": recorder(EXA, seen), "/contents": recorder(contents, seen)}) as site:
        exa = Exa(api_key="k", pages=True, endpoint=site.url(""))
        hits = await exa.search("cats", 5, client)
        document = await exa.fetch("https://a.example/", client)
    assert hits == [Hit("<new>", "https://a.example/it's?x=1", "one two"), Hit("", "https://b.example/", "sum")]
    assert document is not None
    assert (document.body, document.title, document.via) == (b"<p>hello</p>", "A", "exa")
    assert [headers["x-api-key"] for headers, _ in seen] == ["k", "k"]
    assert seen[0][1] == {
        "query": "cats",
        "numResults": 5,
        "type": "auto",
        "contents": {"highlights": True, "summary": True},
    }
    assert seen[1][1] == {"urls": ["https://a.example/"], "text": {"includeHtmlTags": True}}


async def test_you_is_asked_and_read_as_documented(client: ApiClient) -> None:
    seen: list[tuple[Mapping[str, str], JsonValue]] = []
    contents = [{"url": "https://a.example/", "title": "A", "html": "<p>hello</p>"}]
    async with local_web({"/v1/search": recorder(YOU, seen), "/v1/contents": recorder(contents, seen)}) as site:
        you = You(api_key="k", pages=True, endpoint=site.url(""))
        hits = await you.search("cats", 5, client)
        document = await you.fetch("https://a.example/", client)
    assert hits == [Hit("A & B", "https://a.example/", "one two"), Hit("News", "https://n.example/", "today")]
    assert document is not None
    assert document.body == b"<p>hello</p>"
    assert [headers["X-API-Key"] for headers, _ in seen] == ["k", "k"]
    assert [body for _, body in seen] == [
        {"query": "cats", "count": 5},
        {"urls": ["https://a.example/"], "formats": ["html"]},
    ]


STATUSES: list[tuple[int, Failure]] = [
    (401, "unauthorized"),
    (402, "quota"),
    (403, "blocked"),
    (429, "rate_limited"),
    (500, "unavailable"),
]


@pytest.mark.parametrize(("status", "failure"), STATUSES)
async def test_services_tell_their_failures_apart(client: ApiClient, status: int, failure: Failure) -> None:
    page = WebPage('{"error": "why"}', status=status, headers={"Retry-After": "7"})
    async with local_web({"/search": page}) as site:
        with pytest.raises(SearchError, match=r"HTTP .*why") as raised:
            await Exa(api_key="k", endpoint=site.url("")).search("x", 5, client)
    assert (raised.value.failure, raised.value.retry_after) == (failure, 7.0)


@pytest.mark.parametrize("answer", ["[]", "null", '"x"', '{"results": 3}', '{"results": [3, {"url": 4}, {}]}'])
async def test_an_answer_of_another_shape_holds_nothing(client: ApiClient, answer: str) -> None:
    page = WebPage(answer, content_type="application/json")
    async with local_web({"/search": page, "/v1/search": page}) as site:
        assert await Exa(api_key="k", endpoint=site.url("")).search("x", 5, client) == []
        assert await You(api_key="k", endpoint=site.url("")).search("x", 5, client) == []


async def test_an_answer_that_is_no_json_is_a_failure(client: ApiClient) -> None:
    async with local_web({"/search": "<html>"}) as site:
        with pytest.raises(SearchError, match="did not answer with JSON"):
            await Exa(api_key="k", endpoint=site.url("")).search("x", 5, client)


@pytest.mark.parametrize(("search", "variable"), [("exa", "EXA_API_KEY"), ("you", "YDC_API_KEY")])
async def test_a_missing_key_is_told_when_the_session_opens(
    monkeypatch: pytest.MonkeyPatch, search: str, variable: str
) -> None:
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UserError, match=f"set {variable}"):
        async with opened(Browser(search=search)):
            pass
    monkeypatch.setenv(variable, "secret")
    async with opened(Browser(search=search, javascript="never")):
        pass
    assert "secret" not in repr(Exa(api_key="secret"))


def test_a_provider_that_is_none_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(UserError, match="give duckduckgo, searxng:URL, exa or you"):
        Browser(search="altavista")
    with pytest.raises(UserError, match="searxng:http://host:port"):
        Browser(search="searxng")


class Fake:
    """A provider that fails as long as it is told to."""

    name = "fake"

    def __init__(self) -> None:
        self.asked = 0
        self.error: SearchError | None = None

    def check(self) -> None:
        return

    async def search(self, query: str, count: int, client: ApiClient) -> list[Hit]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return [Hit(query, f"https://e.org/{query}", "", None)]

    async def fetch(self, url: str, client: ApiClient) -> Document | None:
        return None


async def test_the_same_search_is_asked_once(client: ApiClient) -> None:
    fake = Fake()
    guard = Guard(fake)
    assert await guard.search("a  b", 5, client) == await guard.search("a b ", 5, client)
    assert fake.asked == 1


async def test_answers_are_kept_for_a_while_only(client: ApiClient) -> None:
    fake, now = Fake(), [0.0]
    guard = Guard(fake, keep=10, clock=lambda: now[0])
    await guard.search("a", 5, client)
    now[0] = 11
    await guard.search("a", 5, client)
    assert fake.asked == 2


async def test_a_provider_that_refuses_is_left_alone_for_longer_each_time(client: ApiClient) -> None:
    fake, now = Fake(), [0.0]
    fake.error = SearchError("too many requests", "rate_limited")
    guard = Guard(fake, clock=lambda: now[0])
    pauses = []
    for _ in range(8):
        with pytest.raises(SearchError, match="too many requests$"):
            await guard.search("a", 5, client)
        with pytest.raises(SearchError, match="it is left alone for another") as raised:
            await guard.search("b", 5, client)
        assert raised.value.failure == "rate_limited"
        pauses.append(raised.value.retry_after or 0)
        now[0] += pauses[-1] + 0.1
    assert fake.asked == 8
    assert 4 <= pauses[0] <= 6
    assert 240 <= pauses[-1] <= 360
    fake.error = None
    assert await guard.search("a", 5, client)


async def test_a_pause_is_as_long_as_the_provider_says(client: ApiClient) -> None:
    fake = Fake()
    fake.error = SearchError("wait", "quota", retry_after=1000)
    guard = Guard(fake, clock=lambda: 0.0)
    for _ in range(2):
        with pytest.raises(SearchError) as raised:
            await guard.search("a", 5, client)
    assert raised.value.retry_after == 1000


async def test_a_server_that_is_down_is_asked_again_at_once(client: ApiClient) -> None:
    fake = Fake()
    fake.error = SearchError("down", "unavailable")
    guard = Guard(fake)
    for _ in range(3):
        with pytest.raises(SearchError, match="down$"):
            await guard.search("a", 5, client)
    assert fake.asked == 3


async def test_searches_keep_their_distance(client: ApiClient) -> None:
    guard = Guard(Fake(), interval=0.2)
    started = asyncio.get_running_loop().time()
    await asyncio.gather(*(guard.search(str(n), 5, client) for n in range(3)))
    assert asyncio.get_running_loop().time() - started >= 0.4


async def test_another_provider_answers_where_the_first_cannot() -> None:
    first, second = Fake(), Fake()
    first.error = SearchError("down", "unavailable")
    async with opened(Browser(search=(first, second), javascript="never")) as tool:
        result = await tool.result("browser.search", {"query": "x"})
        assert "【0†x†e.org】" in result.text
        second.error = SearchError("tired", "rate_limited")
        text = await tool.call("browser.search", {"query": "y"})
    assert text == "Error during search for `y`: fake: down; fake: tired"


async def test_a_provider_of_ones_own_needs_a_name_and_three_methods() -> None:
    assert isinstance(Fake(), SearchProvider)
    async with opened(Browser(search=Fake(), javascript="never")) as tool:
        assert "【0†cats†e.org】" in await tool.call("browser.search", {"query": "cats", "source": "anything"})


async def test_an_error_of_search_takes_no_cursor() -> None:
    fake = Fake()
    fake.error = SearchError("DuckDuckGo asks for a captcha", "blocked")
    async with opened(Browser(search=fake, javascript="never")) as tool:
        result = await tool.result("browser.search", {"query": "x"})
        assert (result.text, result.error) == ("Error during search for `x`: DuckDuckGo asks for a captcha", True)
        assert await tool.call("browser.open", {}) == "No pages to access!"
