"""Opening servers: what is refused, in which words, and what is kept quiet."""

import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from ossia.engine import Sampling, open_engine
from ossia.errors import EngineError, OssiaError, UserError
from ossia.testing import ScriptedEngine
from ossia.testing.server import TokenServer
from tests.engine.http.servers import OLLAMA, OPENAI, TGI, Handler, llama_cpp, models, serving

KEY = "sk-secret-4711"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def refusal(spec: str, options: Mapping[str, Any] | None = None) -> OssiaError:
    with pytest.raises((UserError, EngineError)) as caught:
        await open_engine(spec, options=options)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("http://", "is no URL of a server"),
        ("http:///v1", "is no URL of a server"),
        ("http://a:8000/v1,ftp://b/v1", "is no URL of a server"),
        ("http://user:secret@host/v1", "holds a user, a query or a fragment"),
        ("http://host/v1?key=secret", "holds a user, a query or a fragment"),
    ],
)
async def test_what_is_no_plain_url_is_refused(spec: str, says: str) -> None:
    error = await refusal(spec)
    assert isinstance(error, UserError)
    assert says in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": "http://b/v1"}, "did you mean 'urls'"),
        ({"urls": "http://b/v1"}, "is a list of base URLs"),
        ({"wire": "vllm"}, "give one of vllm-generate"),
        ({"retries": -1}, "at least 0"),
        ({"timeout": True}, "at least 0.1"),
        ({"model": ""}, "is a text"),
    ],
)
async def test_wrong_options_are_refused(options: Mapping[str, Any], says: str) -> None:
    error = await refusal("http://127.0.0.1:1/v1", options)
    assert isinstance(error, UserError)
    assert says in str(error)


async def test_where_nobody_listens_is_an_infrastructure_error() -> None:
    error = await refusal(f"http://127.0.0.1:{free_port()}/v1")
    assert isinstance(error, EngineError)
    assert "no server answers at http://127.0.0.1:" in str(error)
    assert "start the server, or mend the URL" in str(error)


async def test_a_host_that_does_not_exist_is_told() -> None:
    error = await refusal("http://no-such-host.invalid:8000/v1")
    assert isinstance(error, EngineError)
    assert "no server answers at http://no-such-host.invalid:8000/v1/models" in str(error)


async def test_a_web_site_is_no_server_of_models() -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>hello</html>", content_type="text/html")

    async with serving({"GET /v1/models": page}) as url:
        assert "there is no server of models at" in str(await refusal(url))
    async with serving({"GET /other": {}}) as url:
        assert "answers 404): give the URL that ends in /v1" in str(await refusal(url))
    async with serving({"GET /v1/models": {"models": []}}) as url:
        assert "answers no list of models" in str(await refusal(url))
    async with serving({"GET /v1/models": {"data": []}}) as url:
        assert "serves no model yet" in str(await refusal(url))


async def test_a_server_that_sends_elsewhere_is_not_followed() -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://127.0.0.1:1/v1/models")

    async with serving({"GET /v1/models": elsewhere}) as url:
        assert "sends elsewhere (status 302)" in str(await refusal(url))


async def test_no_such_model_lists_those_that_there_are() -> None:
    async with TokenServer(ScriptedEngine([])) as server:
        error = await refusal(server.url, {"model": "gpt-oss-120b"})
    assert isinstance(error, UserError)
    assert "has no model 'gpt-oss-120b': it has scripted" in str(error)


async def test_a_wrong_key_is_told_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OSSIA_API_KEY", raising=False)
    async with TokenServer(ScriptedEngine([]), api_key=KEY) as server:
        assert "wants a key: set $OSSIA_API_KEY" in str(await refusal(server.url))
        monkeypatch.setenv("OSSIA_API_KEY", "sk-wrong-1234")
        error = await refusal(server.url)
        assert isinstance(error, UserError)
        assert "refuses the key in $OSSIA_API_KEY" in str(error)
        assert "sk-wrong" not in str(error)
        monkeypatch.setenv("OSSIA_API_KEY", "two words")
        assert "no header can carry" in str(await refusal(server.url))


async def test_the_right_key_opens_and_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", f" {KEY}\n")
    async with TokenServer(ScriptedEngine([]), api_key=KEY) as server:
        engine = await open_engine(server.url, options={"api_key_env": "MY_KEY"})
        assert KEY not in repr(engine.info)
        assert KEY not in repr(vars(engine))
        await engine.aclose()


@pytest.mark.parametrize(
    ("routes", "what"), [(OLLAMA, "Ollama"), (TGI, "TGI"), (OPENAI, "OpenAI")], ids=["ollama", "tgi", "openai"]
)
async def test_servers_of_text_are_refused_with_the_way_out(routes: Mapping[str, Handler | Any], what: str) -> None:
    async with serving(routes) as url:
        error = await refusal(url)
    assert isinstance(error, UserError)
    assert str(error).startswith(f"{what} at {url}/v1 does not take and give token ids")
    assert "llama-server, which loads the GGUF file" in str(error)


async def test_a_model_of_another_vocabulary_is_refused() -> None:
    routes = {"GET /v1/models": models("vllm", "llama", max_model_len=100), "POST /tokenize": {"tokens": [27, 91, 91]}}
    async with serving(routes) as url:
        error = await refusal(url)
    assert isinstance(error, UserError)
    assert "llama at" in str(error)
    assert "is no gpt-oss" in str(error)


async def test_without_the_generate_form_the_completions_form_is_found() -> None:
    scripted = ScriptedEngine(lambda prompt: [5, 6, 200_002])
    async with TokenServer(scripted, generate=False) as server:
        engine = await open_engine(server.url)
        tokens = [
            t async for chunk in engine.generate([7, 8], Sampling(temperature=0.0), key="a") for t in chunk.token_ids
        ]
        assert tokens == [5, 6, 200_002]
        assert [request.path for request in server.requests] == ["/v1/completions"]
        await engine.aclose()
        error = await refusal(server.url, {"wire": "vllm-generate"})
        assert "start the server with --tokens-only" in str(error)


async def test_a_smaller_context_can_be_asked_for_and_a_larger_one_cannot() -> None:
    async with TokenServer(ScriptedEngine([], max_context=500)) as server:
        for asked, had in ((300, 300), (900, 500)):
            engine = await open_engine(server.url, options={"max_context": asked})
            assert engine.info.max_context == had
            await engine.aclose()


async def test_a_server_that_is_not_there_yet_does_not_matter_while_another_is() -> None:
    absent = f"http://127.0.0.1:{free_port()}/v1"
    async with TokenServer(ScriptedEngine([])) as server:
        engine = await open_engine(f"{absent},{server.url}")
        assert engine.info.spec == f"{absent},{server.url}"
        await engine.aclose()


async def test_servers_of_different_models_are_refused() -> None:
    class Other(ScriptedEngine):
        @property
        def info(self) -> Any:
            return replace(super().info, model="other")

    async with TokenServer(ScriptedEngine([])) as one, TokenServer(Other([])) as two:
        error = await refusal(one.url, {"urls": [two.url]})
    assert "give servers of one model" in str(error)


async def test_a_server_that_is_loading_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ossia.engine.http._engine.FIRST_PAUSE", 0.01)
    asked = 0

    async def loading(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked < 4:
            return web.json_response({"error": {"message": "Loading model", "code": 503}}, status=503)
        return web.json_response(models("llamacpp", meta={"n_ctx": 4096}))

    routes = {**llama_cpp(ScriptedEngine([]), []), "GET /v1/models": loading}
    async with serving(routes) as url:
        error = await refusal(url, {"retries": 1})
        assert isinstance(error, EngineError)
        assert "answers 503: Loading model: wait until it has loaded" in str(error)
        engine = await open_engine(url)
        assert engine.info.max_context == 4096
        await engine.aclose()


async def test_a_server_whose_engine_is_dead_is_told_as_broken() -> None:
    async def dead(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "EngineCore is dead"}}, status=500)

    routes = {"GET /v1/models": models("vllm", max_model_len=99), "POST /inference/v1/generate": dead}
    async with serving(routes) as url:
        error = await refusal(url)
    assert isinstance(error, EngineError)
    assert "answers 500: EngineCore is dead" in str(error)


async def test_progress_is_told() -> None:
    told: list[float] = []
    async with TokenServer(ScriptedEngine([])) as server:
        engine = await open_engine(server.url, progress=lambda what, share: told.append(share))
        await engine.aclose()
    assert told == [0.0, 1.0]
