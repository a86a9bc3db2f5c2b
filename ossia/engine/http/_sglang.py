"""SGLang: `/generate`, from its documented form. Not run against a real server."""

from typing import TypedDict, cast

from ossia.engine.http._wire import Arrived, Ask, Body, Event, Reader, root
from ossia.engine.protocol import STOP_TOKEN_IDS


class _FinishReason(TypedDict, total=False):
    type: str
    matched: int | str
    message: str


class _Meta(TypedDict, total=False):
    finish_reason: _FinishReason | None
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    output_token_logprobs: list[tuple[float, int, str | None]]


class Sglang:
    """`POST /generate` with `input_ids`; its stream has `output_ids`."""

    name = "sglang"
    most = None
    seeds = False
    logprobs = True
    tags = True
    priorities = False

    def url(self, base: str) -> str:
        return f"{root(base)}/generate"

    def body(self, ask: Ask) -> Body:
        sampling: Body = {
            "max_new_tokens": ask.max_tokens,
            "temperature": ask.sampling.temperature,
            "top_p": ask.sampling.top_p,
            "top_k": ask.sampling.top_k or -1,
            "min_p": 0.0,
            "stop_token_ids": STOP_TOKEN_IDS,
            "skip_special_tokens": False,
            "no_stop_trim": True,
        }
        if ask.structural_tag is not None:
            sampling["structural_tag"] = ask.structural_tag
        # A priority is sent to no server: whether lower or higher goes first is a setting of it.
        return {
            "input_ids": ask.prompt,
            "sampling_params": sampling,
            "stream": True,
            "return_logprob": ask.sampling.logprobs,
        }

    def reader(self, ask: Ask) -> Reader:
        return _Stream(ask.sampling.logprobs)


class _Stream:
    """Each event holds all of the ids so far, or (a setting of the server) the new ones: their count tells which."""

    def __init__(self, logprobs: bool) -> None:
        self._logprobs = logprobs
        self._seen = 0

    def feed(self, event: Event, arrived: Arrived) -> None:
        meta = cast(_Meta, event["meta_info"])
        ids = cast(list[int], event["output_ids"])
        total = meta["completion_tokens"]
        new = total - self._seen
        if new < 0 or len(ids) not in (new, total):
            raise ValueError(f"output_ids holds {len(ids)} token ids where {new} of {total} are new")
        arrived.token_ids += ids[len(ids) - new :]
        if self._logprobs and new:
            told = meta["output_token_logprobs"][-new:]
            arrived.logprobs += [entry[0] for entry in told]
        self._seen = total
        self._finish(meta, ids, arrived)
        arrived.cached = meta.get("cached_tokens")
        arrived.prompt = meta.get("prompt_tokens")

    def _finish(self, meta: _Meta, ids: list[int], arrived: Arrived) -> None:
        reason = meta.get("finish_reason")
        if reason is None:
            return
        arrived.finish = reason["type"]
        if arrived.finish == "abort":
            raise ValueError(f"the server gave up on the request: {reason.get('message', 'no reason')}")
        matched = reason.get("matched")
        if matched in STOP_TOKEN_IDS and (not ids or ids[-1] != matched):
            raise ValueError(f"the stop id {matched} was trimmed from output_ids")
