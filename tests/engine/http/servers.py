"""Stand-ins that speak other servers' forms, token for token, with an engine behind them; and servers of text only."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from ossia.engine import STOP_TOKEN_IDS, Engine, Sampling
from ossia.errors import UserError
from tests.engine.models import Collected, collect

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Json = Any
"""What a request holds: tests look into it as they like."""


@asynccontextmanager
async def serving(routes: Mapping[str, Handler | Json]) -> AsyncIterator[str]:
    """A server on 127.0.0.1: `{"POST /generate": handler, "GET /v1/models": {...}}`. Gives its URL without `/v1`."""
    app = web.Application()
    for route, answer in routes.items():
        method, path = route.split()
        app.router.add_route(method, path, answer if callable(answer) else _constant(answer))
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _constant(answer: Json) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response(answer)

    return handle


def models(owner: str, name: str = "gpt-oss-20b", **more: Json) -> Json:
    return {"object": "list", "data": [{"id": name, "object": "model", "owned_by": owner, **more}]}


async def stream(request: web.Request, events: list[Json]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in events:
        await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    return response


async def _sampled(engine: Engine, prompt: list[int], sampling: Sampling) -> Collected:
    """A completion by the engine; a one-id prompt for one id is a probe, and is answered with that id."""
    if len(prompt) == 1 and sampling.max_tokens == 1:
        return Collected([1], [0.0])
    try:
        return await collect(engine, prompt, sampling)
    except UserError as error:
        raise web.HTTPBadRequest(text=json.dumps({"error": {"code": 400, "message": str(error)}})) from error


def llama_cpp(engine: Engine, bodies: list[Json]) -> dict[str, Handler | Json]:
    """`/completion` of llama.cpp's server, as its source and a real one have it: whole answers, its own stop ids."""

    async def complete(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        bodies.append(body)
        assert body["return_tokens"]
        assert not body["stream"]
        sampling = Sampling(temperature=body["temperature"], max_tokens=body["n_predict"])
        done = await _sampled(engine, body["prompt"], sampling)
        return web.json_response(
            {
                "tokens": done.tokens,
                "stop_type": "eos" if done.tokens[-1:] and done.tokens[-1] in STOP_TOKEN_IDS else "limit",
                "tokens_evaluated": len(body["prompt"]),
                "timings": {"cache_n": len(body["prompt"]) - 1, "prompt_n": 1},
            }
        )

    return {
        "GET /v1/models": models("llamacpp", meta={"n_vocab": 201_088, "n_ctx": 4096, "n_ctx_train": 131_072}),
        "POST /tokenize": {"tokens": [200_012]},
        "POST /completion": complete,
    }


def sglang(engine: Engine, bodies: list[Json], *, cumulative: bool) -> dict[str, Handler | Json]:
    """`/generate` of SGLang by its documentation; its stream is cumulative unless the server is told otherwise."""

    async def generate(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        bodies.append(body)
        parameters = body["sampling_params"]
        sampling = Sampling(temperature=parameters["temperature"], max_tokens=parameters["max_new_tokens"])
        done = await _sampled(engine, body["input_ids"], sampling)
        events = []
        for start in range(0, len(done.tokens), 3):
            end = min(start + 3, len(done.tokens))
            meta: Json = {
                "id": "1",
                "prompt_tokens": len(body["input_ids"]),
                "completion_tokens": end,
                "cached_tokens": 2,
                "finish_reason": None,
            }
            if body["return_logprob"]:
                meta["output_token_logprobs"] = [[-0.5, token, None] for token in done.tokens[:end]]
            if end == len(done.tokens):
                last = done.tokens[-1]
                stop = {"type": "stop", "matched": last}
                meta["finish_reason"] = stop if last in STOP_TOKEN_IDS else {"type": "length", "length": end}
            ids = done.tokens[:end] if cumulative else done.tokens[start:end]
            events.append({"text": "", "output_ids": ids, "meta_info": meta})
        return await stream(request, events)

    return {"GET /v1/models": models("sglang", max_model_len=4096), "POST /generate": generate}


def tensorrt(engine: Engine, bodies: list[Json]) -> dict[str, Handler | Json]:
    """`/v1/completions` of trtllm-serve by its protocol: `token_ids` where `detokenize` is false."""

    async def complete(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        bodies.append(body)
        assert body["detokenize"] is False
        assert body["include_stop_str_in_output"] is True
        sampling = Sampling(temperature=body["temperature"], max_tokens=body["max_tokens"])
        done = await _sampled(engine, body["prompt"], sampling)
        choices = [{"index": 0, "text": "", "token_ids": [t], "finish_reason": None} for t in done.tokens]
        last = "stop" if done.tokens[-1] in STOP_TOKEN_IDS else "length"
        choices.append({"index": 0, "text": "", "token_ids": [], "finish_reason": last})
        usage = {"prompt_tokens": len(body["prompt"]), "prompt_tokens_details": {"cached_tokens": 3}}
        return await stream(request, [*({"choices": [c]} for c in choices), {"choices": [], "usage": usage}])

    return {"GET /v1/models": models("tensorrt_llm"), "POST /v1/completions": complete}


async def _wants_text(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    if isinstance(body.get("prompt"), str):
        return await stream(request, [{"choices": [{"text": "hello", "finish_reason": "stop"}]}])
    message = "cannot unmarshal array into Go struct field CompletionRequest.prompt of type string"
    return web.json_response({"error": {"message": message, "type": "invalid_request_error"}}, status=400)


async def _answers_text(request: web.Request) -> web.StreamResponse:
    """Takes token ids, gives text, and does not know the fields that it was not made for."""
    return await stream(request, [{"choices": [{"text": "hello", "index": 0, "finish_reason": "stop"}]}])


OLLAMA: dict[str, Handler | Json] = {
    "GET /v1/models": models("library", "gpt-oss:20b"),
    "POST /v1/completions": _wants_text,
}
TGI: dict[str, Handler | Json] = {
    "GET /v1/models": models("openai/gpt-oss-20b"),
    "GET /info": {"model_id": "openai/gpt-oss-20b", "docker_label": "3.3.4", "version": "3.3.4"},
    "POST /v1/completions": _answers_text,
}
OPENAI: dict[str, Handler | Json] = {
    "GET /v1/models": models("system", "gpt-4o"),
    "POST /v1/completions": _answers_text,
}
