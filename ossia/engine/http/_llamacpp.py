"""llama.cpp: `/completion` of its server.

Its event stream leaves token ids out: one that ends inside a character (half of an emoji, say) is held back for its
text, and its id is never sent. Whole answers have every id, so that a completion is fetched in pieces, each sent
on from the ids before it; the server keeps what it has computed, and a piece costs its own ids and the way to and fro.
"""

from typing import TypedDict, cast

from ossia.engine.http._wire import Arrived, Ask, Body, Event, Reader, root

PIECE = 32
"""Token ids of one request: at 50 a second, news every two thirds of a second."""

_RANDOM_SEED = 0xFFFFFFFF
"""The largest seed of 32 bits, and the one that it takes for none."""


class _Timings(TypedDict, total=False):
    cache_n: int


class LlamaCpp:
    """`POST /completion`, token ids in and out."""

    name = "llama.cpp"
    most = PIECE
    seeds = True
    # It keeps none of an id that ends inside a character: there would be holes.
    logprobs = False
    tags = False
    priorities = False

    def url(self, base: str) -> str:
        return f"{root(base)}/completion"

    def body(self, ask: Ask) -> Body:
        # It stops at <|return|>, <|call|> and <|endoftext|> by itself, and has no field for more. Its own defaults
        # (top_k 40, top_p 0.95, min_p 0.05) are not those that gpt-oss is sampled with.
        return {
            "prompt": ask.prompt,
            "n_predict": min(ask.max_tokens, PIECE),
            "return_tokens": True,
            "cache_prompt": True,
            "stream": False,
            "samplers": ["temperature", "top_k", "top_p"],
            "temperature": ask.sampling.temperature,
            "top_k": ask.sampling.top_k,
            "top_p": ask.sampling.top_p,
            "min_p": 0.0,
            "repeat_penalty": 1.0,
            "seed": -1 if ask.seed is None else ask.seed % _RANDOM_SEED,
            "response_fields": ["tokens", "stop_type", "timings", "tokens_evaluated"],
        }

    def reader(self, ask: Ask) -> Reader:
        return _Answer()


class _Answer:
    def feed(self, event: Event, arrived: Arrived) -> None:
        arrived.token_ids += cast(list[int], event["tokens"])
        arrived.finish = "length" if event["stop_type"] == "limit" else "stop"
        arrived.prompt = cast(int, event.get("tokens_evaluated", 0))
        if timings := cast(_Timings | None, event.get("timings")):
            arrived.cached = timings.get("cache_n")
