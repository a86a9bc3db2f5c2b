"""vLLM: `/inference/v1/generate`, which speaks token ids only, and `/v1/completions` with `return_token_ids`."""

from typing import TypedDict, cast

from ossia.engine.http._wire import Arrived, Ask, Body, Event, Reader, root
from ossia.engine.protocol import STOP_TOKEN_IDS


class _PromptDetails(TypedDict, total=False):
    cached_tokens: int | None


class _Usage(TypedDict, total=False):
    prompt_tokens: int
    prompt_tokens_details: _PromptDetails | None


class _TokenLogprob(TypedDict):
    logprob: float


class _GenerateLogprobs(TypedDict):
    content: list[_TokenLogprob]


class _CompletionLogprobs(TypedDict):
    token_logprobs: list[float]


class _Choice(TypedDict):
    token_ids: list[int]
    finish_reason: str | None


def read_usage(event: Event, arrived: Arrived) -> None:
    """The counts of OpenAI's `usage`, where an event has them."""
    if usage := cast(_Usage | None, event.get("usage")):
        arrived.prompt = usage.get("prompt_tokens", arrived.prompt)
        if (details := usage.get("prompt_tokens_details")) and (cached := details.get("cached_tokens")) is not None:
            arrived.cached = cached


def _sampling(ask: Ask) -> Body:
    """Every parameter that a server might have another default for, generation_config.json included."""
    fields: Body = {
        "max_tokens": ask.max_tokens,
        "temperature": ask.sampling.temperature,
        "top_p": ask.sampling.top_p,
        "top_k": ask.sampling.top_k,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        # Both, always: which ids stop by themselves depends on the checkpoint and on how the server was started.
        "stop_token_ids": STOP_TOKEN_IDS,
    }
    if ask.seed is not None:
        fields["seed"] = ask.seed
    if ask.sampling.logprobs:
        fields["logprobs"] = 0
    if ask.structural_tag is not None:
        fields["structured_outputs"] = {"structural_tag": ask.structural_tag}
    return fields


def _common(ask: Ask) -> Body:
    fields: Body = {"model": ask.model, "stream": True, "stream_options": {"include_usage": True}}
    # A server without priority scheduling refuses any but 0.
    return fields | {"priority": ask.priority} if ask.priority else fields


class VllmGenerate:
    """`POST /inference/v1/generate` (vLLM 0.32, with `--tokens-only` or `--enable-scale-out`)."""

    name = "vllm-generate"
    most = None
    seeds = True
    logprobs = True
    tags = True
    priorities = True

    def url(self, base: str) -> str:
        return f"{root(base)}/inference/v1/generate"

    def body(self, ask: Ask) -> Body:
        # Text would be made for nothing: the answer holds none.
        return _common(ask) | {"token_ids": ask.prompt, "sampling_params": _sampling(ask) | {"detokenize": False}}

    def reader(self, ask: Ask) -> Reader:
        return _GenerateReader()


class _GenerateReader:
    def feed(self, event: Event, arrived: Arrived) -> None:
        for choice in cast(list[_Choice], event["choices"]):
            arrived.token_ids += choice["token_ids"]
            if logprobs := cast(_GenerateLogprobs | None, choice.get("logprobs")):
                arrived.logprobs += [entry["logprob"] for entry in logprobs["content"]]
            arrived.finish = choice["finish_reason"] or arrived.finish
        if event.get("usage"):
            read_usage(event, arrived)


class VllmCompletions:
    """`POST /v1/completions` with `return_token_ids` (any vLLM that knows the field)."""

    name = "vllm-completions"
    most = None
    seeds = True
    logprobs = True
    tags = True
    priorities = True

    def url(self, base: str) -> str:
        return f"{base}/completions"

    def body(self, ask: Ask) -> Body:
        fields: Body = {"prompt": ask.prompt, "return_token_ids": True, "add_special_tokens": False}
        return _common(ask) | _sampling(ask) | fields

    def reader(self, ask: Ask) -> Reader:
        return _CompletionsReader()


class _CompletionsReader:
    def feed(self, event: Event, arrived: Arrived) -> None:
        for choice in cast(list[_Choice], event["choices"]):
            arrived.token_ids += choice["token_ids"]
            if logprobs := cast(_CompletionLogprobs | None, choice.get("logprobs")):
                arrived.logprobs += logprobs["token_logprobs"]
            arrived.finish = choice["finish_reason"] or arrived.finish
        if event.get("usage"):
            read_usage(event, arrived)
