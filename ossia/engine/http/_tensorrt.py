"""TensorRT-LLM: `/v1/completions` of trtllm-serve, from its documented form. Not run against a real server."""

import json
from typing import TypedDict, cast

from ossia.engine.http._vllm import read_usage
from ossia.engine.http._wire import Arrived, Ask, Body, Event, Reader
from ossia.engine.protocol import STOP_TOKEN_IDS


class _Logprobs(TypedDict):
    token_logprobs: list[float]


class _Choice(TypedDict):
    token_ids: list[int]
    finish_reason: str | None
    logprobs: _Logprobs | None


class TensorRT:
    """`POST /v1/completions` with `detokenize: false`, which answers `token_ids`."""

    name = "tensorrt-llm"
    most = None
    seeds = True
    logprobs = True
    tags = True
    priorities = False

    def url(self, base: str) -> str:
        return f"{base}/completions"

    def body(self, ask: Ask) -> Body:
        fields: Body = {
            "model": ask.model,
            "prompt": ask.prompt,
            "detokenize": False,
            "add_special_tokens": False,
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": ask.max_tokens,
            "temperature": ask.sampling.temperature,
            "top_p": ask.sampling.top_p,
            "top_k": ask.sampling.top_k,
            "stop_token_ids": STOP_TOKEN_IDS,
            # Otherwise the stop id is cut off the ids too.
            "include_stop_str_in_output": True,
        }
        if ask.seed is not None:
            fields["seed"] = ask.seed
        if ask.sampling.logprobs:
            fields["logprobs"] = 1
        if ask.structural_tag is not None:
            fields["response_format"] = json.loads(ask.structural_tag)
        return fields

    def reader(self, ask: Ask) -> Reader:
        return _Stream()


class _Stream:
    def feed(self, event: Event, arrived: Arrived) -> None:
        for choice in cast(list[_Choice], event["choices"]):
            arrived.token_ids += choice["token_ids"]
            if logprobs := choice.get("logprobs"):
                arrived.logprobs += logprobs["token_logprobs"]
            arrived.finish = choice.get("finish_reason") or arrived.finish
        read_usage(event, arrived)
