"""A server of token ids, for tests of what talks to one."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from aiohttp import web

from ossia import harmony
from ossia.engine import Chunk, Engine
from ossia.errors import EngineError, UserError
from ossia.testing._vllm_forms import Form, read_form
from ossia.types import Grammar, JsonValue


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """One request for a completion, as the server got it."""

    path: str
    body: Mapping[str, JsonValue]
    session: str
    """The header `X-Session-ID`."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What the server answers instead of a completion."""

    status: int
    message: str = "failed as it was told to"
    retry_after: int | None = None
    """Seconds, sent as the header `Retry-After`."""


class TokenServer:
    """Serves any engine over HTTP on 127.0.0.1, in the forms of vLLM: `/inference/v1/generate` and `/v1/completions`.

    ```python
    async with TokenServer(ScriptedEngine([...])) as server:
        engine = await open_engine(server.url)
    ```

    An engine that fails in mid-stream (`Play(..., fail_after=n)`) cuts the connection; a request whose client leaves is
    cancelled. Requests for one token id after a prompt of one, by which ossia finds out what a server is, are answered
    by the server itself, so that a script is not used up by them.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        api_key: str | None = None,
        generate: bool = True,
        priorities: bool = True,
        port: int = 0,
    ) -> None:
        """`api_key`: what requests must carry; `generate`: whether `/inference/v1/generate` is there, as on vLLM with
        `--tokens-only`; `priorities`: whether it takes priorities; `port` 0: any that is free.
        """
        self._engine = engine
        self._key = api_key
        self._generate = generate
        self._priorities = priorities
        self._port = port
        self._runner: web.AppRunner | None = None
        self.requests: list[ServedRequest] = []
        """Every request for a completion, those of a probe left out."""
        self.failures: list[Failure] = []
        """The next requests are answered with these, one each."""
        self.connections: set[asyncio.BaseTransport] = set()
        """Every connection that a completion was asked for on."""

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:8000/v1`."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def __aenter__(self) -> "TokenServer":
        app = web.Application(client_max_size=64 << 20)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/tokenize", self._tokenize)
        app.router.add_post("/v1/completions", self._complete)
        app.router.add_post("/inference/v1/generate", self._complete)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and cut what is under way. May be called twice; the engine stays open."""
        if self._runner is not None:
            for transport in self.connections:
                transport.close()
            await self._runner.cleanup()
            self._runner = None

    def _check_key(self, request: web.Request) -> None:
        if self._key and request.headers.get("Authorization") != f"Bearer {self._key}":
            # As OpenAI does, it repeats what it was given.
            given = request.headers.get("Authorization", "no key")
            raise web.HTTPUnauthorized(text=_error(f"Incorrect API key provided: {given}", 401))

    async def _models(self, request: web.Request) -> web.Response:
        self._check_key(request)
        info = self._engine.info
        model = {"id": info.model, "object": "model", "owned_by": "vllm", "max_model_len": info.max_context}
        return web.json_response({"object": "list", "data": [model]})

    async def _tokenize(self, request: web.Request) -> web.Response:
        self._check_key(request)
        text = (await request.json())["prompt"]
        return web.json_response({"tokens": harmony.encoding().encode(text, special=True)})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        if request.path.endswith("generate") and not self._generate:
            raise web.HTTPForbidden(text=_error("start the server with --tokens-only", 403))
        body: dict[str, JsonValue] = await request.json()
        form = read_form(request.path, body)
        if len(form.prompt) > 1:
            self.requests.append(ServedRequest(request.path, body, request.headers.get("X-Session-ID", "")))
            if self.failures:
                return _failed(self.failures.pop(0))
        if form.priority and not self._priorities:
            raise web.HTTPBadRequest(text=_error("priority scheduling is off", 400))
        if request.transport is not None:
            self.connections.add(request.transport)
        return await self._stream(request, form)

    async def _stream(self, request: web.Request, form: Form) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        cached = None
        try:
            async with aclosing(self._chunks(form, request.headers.get("X-Session-ID", ""))) as chunks:
                async for chunk in chunks:
                    if not response.prepared:
                        await response.prepare(request)
                    cached = chunk.cached_tokens if chunk.cached_tokens is not None else cached
                    await response.write(_event(form.event(chunk)))
        except UserError as error:
            raise web.HTTPBadRequest(text=_error(str(error), 400)) from error
        except EngineError as error:
            if not response.prepared:
                raise web.HTTPInternalServerError(text=_error(str(error), 500)) from error
            # An engine that dies takes its server along: the stream ends without a word.
            if request.transport is not None:
                request.transport.close()
            return response
        details: JsonValue = {"cached_tokens": cached or 0}
        usage = {"prompt_tokens": len(form.prompt), "prompt_tokens_details": details}
        await response.write(_event({"choices": [], "usage": usage}) + b"data: [DONE]\n\n")
        return response

    async def _chunks(self, form: Form, session: str) -> AsyncGenerator[Chunk, None]:
        if len(form.prompt) == 1 and form.sampling.max_tokens == 1:
            if form.structural_tag is not None and not self._engine.info.capabilities.grammar:
                raise UserError("the engine takes no grammar")
            yield Chunk((1,), finish="length")
            return
        grammar = None if form.structural_tag is None else Grammar(lark="", structural_tag=form.structural_tag)
        stream = self._engine.generate(form.prompt, form.sampling, key=session, priority=form.priority, grammar=grammar)
        try:
            async for chunk in stream:
                yield chunk
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()


def _event(value: JsonValue) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _error(message: str, code: int) -> str:
    return json.dumps({"error": {"message": message, "code": code}})


def _failed(failure: Failure) -> web.Response:
    headers = {} if failure.retry_after is None else {"Retry-After": str(failure.retry_after)}
    return web.Response(status=failure.status, text=_error(failure.message, failure.status), headers=headers)
