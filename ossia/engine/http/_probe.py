"""Finding out what a server is: its model, its context, which wire form it speaks and what it can do."""

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TypedDict, cast

from ossia.engine.http._client import Client
from ossia.engine.http._faults import Lost, Refused, Unreadable
from ossia.engine.http._llamacpp import LlamaCpp
from ossia.engine.http._sglang import Sglang
from ossia.engine.http._spec import Target
from ossia.engine.http._tensorrt import TensorRT
from ossia.engine.http._vllm import VllmCompletions, VllmGenerate
from ossia.engine.http._wire import Arrived, Ask, Body, Wire, root
from ossia.engine.protocol import Capabilities, Sampling
from ossia.errors import UserError

WIRES: tuple[Wire, ...] = (VllmGenerate(), VllmCompletions(), LlamaCpp(), Sglang(), TensorRT())
"""In the order in which an unknown server is asked."""

VOCABULARY = 201_088
"""Ids of gpt-oss. Never more are sent: an id outside its vocabulary ends a vLLM server that has no tokenizer."""

_BY_OWNER = {
    "vllm": ("vllm-generate", "vllm-completions"),
    "llamacpp": ("llama.cpp",),
    "sglang": ("sglang",),
    "tensorrt_llm": ("tensorrt-llm",),
}
_TEXT_ONLY = {"library": "Ollama", "openai": "OpenAI", "openai-internal": "OpenAI", "system": "OpenAI"}
_ANY_TEXT = '{"type":"structural_tag","format":{"type":"any_text"}}'
_TRIAL = Sampling(temperature=0.0)
_TRIAL_PROMPT = (1,)
"""An id that every vocabulary has."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a server is."""

    model: str
    max_context: int
    wire: Wire
    capabilities: Capabilities
    takes_priority: bool


class _Meta(TypedDict, total=False):
    n_ctx: int
    n_ctx_train: int


class _Model(TypedDict, total=False):
    id: str
    owned_by: str
    max_model_len: int | None
    meta: _Meta | None


async def probe(client: Client, base: str, target: Target) -> Found:
    """Ask a server what it is, with a few completions of one token id.

    Raises `UserError` when it has no such model, another vocabulary, or speaks text only, or when the key is wrong;
    `Lost` when it does not answer.
    """
    model = _choose(base, await _list_models(client, base), target.model)
    await _check_vocabulary(client, base, model)
    wire, arrived = await _find_wire(client, base, model, target)
    ask = _trial(model)
    return Found(
        model=model["id"],
        max_context=await _context(client, base, model, target),
        wire=wire,
        capabilities=Capabilities(
            seed=wire.seeds,
            logprobs=wire.logprobs,
            grammar=wire.tags and await _takes(client, base, wire, replace(ask, structural_tag=_ANY_TEXT)),
            prefix_cache=arrived.cached is not None,
        ),
        takes_priority=wire.priorities and await _takes(client, base, wire, replace(ask, priority=1)),
    )


async def _list_models(client: Client, base: str) -> list[_Model]:
    url = f"{base}/models"
    try:
        listed = (await client.fetch(url)).get("data")
    except Refused as error:
        if error.status == 403:
            raise UserError(f"{base} forbids the list of its models: is the key the right one? ({error})") from error
        if error.status in (404, 405):
            raise UserError(
                f"there is no server of models at {base} ({url} answers {error.status}): give the URL that ends in /v1"
            ) from error
        raise
    except Unreadable as error:
        raise UserError(f"there is no server of models at {base}: {error}") from error
    if not isinstance(listed, list) or not all(isinstance(m, dict) and isinstance(m.get("id"), str) for m in listed):
        raise UserError(f"there is no server of models at {base}: {url} answers no list of models")
    return cast(list[_Model], listed)


def _choose(base: str, models: list[_Model], wanted: str | None) -> _Model:
    if not models:
        raise UserError(f"{base} serves no model yet: load one")
    if wanted is None:
        return models[0]
    for model in models:
        if model["id"] == wanted:
            return model
    raise UserError(f"{base} has no model {wanted!r}: it has {', '.join(model['id'] for model in models)}")


async def _check_vocabulary(client: Client, base: str, model: _Model) -> None:
    """Refuse a model that reads `<|call|>` as another id than gpt-oss does, where the server has a tokenizer."""
    body: Body = {"model": model["id"], "prompt": "<|call|>", "add_special_tokens": False}
    if model.get("owned_by") == "llamacpp":
        body = {"content": "<|call|>", "add_special": False, "parse_special": True}
    try:
        tokens = (await client.fetch(f"{root(base)}/tokenize", body)).get("tokens")
    except (Refused, Unreadable, Lost):
        return
    if isinstance(tokens, list) and tokens != [200_012]:
        raise UserError(
            f"{model['id']} at {base} is no gpt-oss: its tokenizer reads <|call|> as {tokens} and not as [200012]"
        )


def _trial(model: _Model) -> Ask:
    return Ask(model=model["id"], prompt=_TRIAL_PROMPT, sampling=_TRIAL, max_tokens=1, seed=None)


async def _find_wire(client: Client, base: str, model: _Model, target: Target) -> tuple[Wire, Arrived]:
    names = (target.wire,) if target.wire else _BY_OWNER.get(model.get("owned_by", ""), tuple(w.name for w in WIRES))
    reasons: list[str] = []
    broken: list[Lost] = []
    for wire in (wire for wire in WIRES if wire.name in names):
        try:
            arrived = await _try(client, base, wire, _trial(model))
        except (Refused, Unreadable) as error:
            if isinstance(error, Refused) and error.status == 401:
                raise
            reasons.append(f"{wire.name}: {error}")
        except Lost as fault:
            if not fault.only_elsewhere:
                raise
            broken.append(fault)
        else:
            if len(arrived.token_ids) == 1:
                return wire, arrived
            reasons.append(f"{wire.name}: {len(arrived.token_ids)} token ids where 1 was asked for")
    if broken:
        # It takes a form and fails, or does not know how to refuse one.
        raise broken[0]
    what = await _name_of(client, base, model)
    raise UserError(
        f"{what} at {base} does not take and give token ids, and text would not hold what the model sampled: serve "
        "gpt-oss with vLLM, SGLang or llama.cpp's llama-server, which loads the GGUF file that Ollama has. "
        f"Tried: {'; '.join(reasons)}"
    )


async def _name_of(client: Client, base: str, model: _Model) -> str:
    """What a server that was refused seems to be."""
    if known := _TEXT_ONLY.get(model.get("owned_by", "")):
        return known
    try:
        info = await client.fetch(f"{root(base)}/info")
    except (Refused, Unreadable, Lost):
        return "the server"
    return "TGI" if "docker_label" in info else "the server"


async def _try(client: Client, base: str, wire: Wire, ask: Ask) -> Arrived:
    async with aclosing(client.complete(base, wire, ask)) as answer:
        # One object for a whole answer: the last is the whole of it, as nothing is taken away.
        return [arrived async for arrived in answer][-1]


async def _takes(client: Client, base: str, wire: Wire, ask: Ask) -> bool:
    try:
        await _try(client, base, wire, ask)
    except (Refused, Unreadable, Lost):
        return False
    return True


async def _context(client: Client, base: str, model: _Model, target: Target) -> int:
    told = model.get("max_model_len") or (model.get("meta") or {}).get("n_ctx") or await _props_context(client, base)
    if told is None and target.max_context is None:
        raise UserError(f"{base} does not say how many token ids its context holds: give the option max_context")
    return min(n for n in (told, target.max_context) if n is not None)


class _Settings(TypedDict, total=False):
    n_ctx: int


async def _props_context(client: Client, base: str) -> int | None:
    """llama.cpp before its list of models held the context."""
    try:
        props = await client.fetch(f"{root(base)}/props")
    except (Refused, Unreadable, Lost):
        return None
    settings = cast(_Settings | None, props.get("default_generation_settings"))
    return settings.get("n_ctx") if settings else None
