"""vLLM's two forms of token ids in, token ids out, from the server's side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypedDict, cast

from ossia.engine import Chunk, Sampling
from ossia.types import JsonValue


class _Fields(TypedDict, total=False):
    """Sampling parameters, as vLLM names them."""

    temperature: float
    top_p: float
    top_k: int
    max_tokens: int
    seed: int | None
    logprobs: int | None
    structured_outputs: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Form:
    """A request, and how its answer is written."""

    prompt: list[int]
    sampling: Sampling
    priority: int
    structural_tag: str | None
    event: Callable[[Chunk], JsonValue]
    """The event of a chunk."""


def read_form(path: str, body: Mapping[str, JsonValue]) -> Form:
    """Read a request for a completion."""
    generate = path.endswith("generate")
    fields = cast(_Fields, body["sampling_params"] if generate else body)
    return Form(
        prompt=cast(list[int], body["token_ids" if generate else "prompt"]),
        sampling=Sampling(
            temperature=fields.get("temperature", 1.0),
            top_p=fields.get("top_p", 1.0),
            top_k=fields.get("top_k", 0),
            max_tokens=fields.get("max_tokens", 16),
            seed=fields.get("seed"),
            logprobs=fields.get("logprobs") is not None,
        ),
        priority=cast(int, body.get("priority", 0)),
        structural_tag=(fields.get("structured_outputs") or {}).get("structural_tag"),
        event=_generate_event if generate else _completions_event,
    )


def _generate_event(chunk: Chunk) -> JsonValue:
    pairs = zip(chunk.token_ids, chunk.logprobs or (), strict=False)
    content = [{"token_id": token, "logprob": logprob, "rank": 1} for token, logprob in pairs]
    choice: JsonValue = {
        "index": 0,
        "token_ids": chunk.token_ids,
        "finish_reason": chunk.finish,
        "logprobs": None if chunk.logprobs is None else {"content": content},
    }
    return {"request_id": "generate-tokens-1", "usage": None, "choices": [choice]}


def _completions_event(chunk: Chunk) -> JsonValue:
    logprobs: JsonValue = None
    if chunk.logprobs is not None:
        logprobs = {"token_logprobs": chunk.logprobs, "tokens": [f"token_id:{t}" for t in chunk.token_ids]}
    choice: JsonValue = {
        "index": 0,
        "text": "",
        "token_ids": chunk.token_ids,
        "finish_reason": chunk.finish,
        "logprobs": logprobs,
    }
    return {"id": "cmpl-1", "object": "text_completion", "choices": [choice]}
